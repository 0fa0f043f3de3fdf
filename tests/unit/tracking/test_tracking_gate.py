"""The gate: every mark that is missed is named, and nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from vcc.config.yaml_files.gate_marks import GateOptions
from vcc.errors import ConfigError
from vcc.tracking.gate import SHIPPED, GateFigures, find_misses, load_gate

DENSE = GateFigures(
    version="models:/m-onnx/1",
    video_top1=0.90,
    clip_top1=0.85,
    test_videos=100,
    p50_ms=20.0,
    p95_ms=25.0,
    runtime="onnxruntime CPU",
    size_bytes=40_000_000,
    dataset="motion",
    split="split1",
    data_digest="d",
    protocol="p",
)
SMALL = dataclasses.replace(DENSE, video_top1=0.89, p50_ms=10.0, p95_ms=12.0, size_bytes=10_000_000)
MARKS = GateOptions(
    drop_from_champion=0.01,
    drop_from_dense=0.03,
    speedup=1.5,
    p95_ms=15.0,
    size_mb=20.0,
    test_videos=100,
)


def misses(parity: str | None = None, **changed: object) -> list[str]:
    candidate = dataclasses.replace(SMALL, **changed)  # type: ignore[arg-type]
    return find_misses(MARKS, candidate, dense=DENSE, champion=DENSE, parity_error=parity)


def test_a_drop_of_exactly_what_is_allowed_passes() -> None:
    assert misses() == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"video_top1": 0.88}, ["2.0 points below the champion's 90.0%, at most 1 allowed"]),
        ({"p50_ms": 15.0}, ["1.33x as fast as the dense baseline at p50, at least 1.5x"]),
        ({"p50_ms": float("nan")}, ["nanx as fast"]),
        ({"p95_ms": 15.1}, ["p95 15.10 ms on onnxruntime CPU, at most 15 allowed"]),
        ({"size_bytes": 20_000_001}, ["20.00 MB large, at most 20 allowed"]),
        (
            {"video_top1_low": 0.4, "largest_class": 0.4},
            ["not above the largest class's share of the test videos, 40.0%"],
        ),
        ({"video_top1_low": float("nan")}, ["not above the largest class"]),
        ({"answers": (0, 100, 0)}, ["names one class only, for all 100 test videos"]),
        ({"test_videos": 99}, ["99 test videos, at least 100 wanted"]),
        (
            {"split": "split2"},
            ["another split than the champion's", "another split than the d"],
        ),
        ({"data_digest": "x"}, ["another split than the champion's", "another split than the d"]),
        ({"protocol": "x"}, ["another protocol than the champion", "another protocol than the d"]),
        ({"runtime": "OpenVINO"}, ["another runtime than the champion", "another runtime than"]),
        ({"parity": "parity: they differ"}, ["parity: they differ"]),
        (
            {"video_top1": 0.5, "p50_ms": 30.0, "size_bytes": 30_000_000},
            ["30.00 MB", "40.0 points below the champion", "40.0 points below the dense", "0.67x"],
        ),
    ],
)
def test_every_miss_is_named(changed: dict[str, object], expected: list[str]) -> None:
    found = misses(**changed)  # type: ignore[arg-type]
    assert len(found) == len(expected)
    assert all(part in line for part, line in zip(expected, found, strict=True))


def test_without_a_champion_or_for_a_dense_network_there_is_less_to_compare() -> None:
    slow = dataclasses.replace(SMALL, video_top1=0.1, p50_ms=12.0)
    assert find_misses(MARKS, slow, dense=None, champion=None, parity_error=None) == []


def test_an_absolute_mark_and_the_largest_class() -> None:
    marks = GateOptions(video_top1=0.9)
    alone = {"dense": None, "champion": None, "parity_error": None}
    assert find_misses(marks, DENSE, **alone) == []  # type: ignore[arg-type]
    (miss,) = find_misses(marks, SMALL, **alone)  # type: ignore[arg-type]
    assert miss == "video top-1 89.0%, at least 90.0% wanted"
    low = dataclasses.replace(DENSE, video_top1_low=0.1, largest_class=0.5, answers=(1, 99))
    unasked = GateOptions(above_largest_class=False)
    assert find_misses(unasked, low, **alone) == []  # type: ignore[arg-type]


def test_unset_marks_are_not_looked_at() -> None:
    marks = GateOptions(drop_from_champion=None, drop_from_dense=None, speedup=None)
    bad = dataclasses.replace(SMALL, video_top1=0.0, p50_ms=1e6, p95_ms=1e6, size_bytes=10**12)
    assert find_misses(marks, bad, dense=DENSE, champion=DENSE, parity_error=None) == []


def test_the_shipped_gate_says_the_declared_defaults() -> None:
    gate = load_gate(None)
    assert gate.marks == GateOptions()
    assert gate.source == SHIPPED.name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("speedUp: 2", "unknown key 'speedUp': did you mean speedup"),
        ("speedup: fast", "speedup: 'fast' is not a number"),
        ("speedup: -1", "speedup"),
        ("provider: gpu", "provider"),
        ("[1, 2]", "is a mapping of marks"),
        ("a: b: c", "not valid YAML"),
        ("", "is a mapping of marks"),
        (
            "p95_ms: 1\nspeedup: 2\np95_ms: 3",
            "line 3: 'p95_ms' .* first in line 1",
        ),
        ("p95_ms: null\nparity: null", "line 2: parity: null is not true or false"),
        ("test_videos: null", "line 1: test_videos: null is not a whole number"),
        ("speedup: .nan", "line 1: speedup: nan is out of range"),
    ],
)
def test_a_bad_gate_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_gate(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_gate(tmp_path / "none.yaml")


class TestOtherClips:
    def test_frames_stride_and_size_may_differ(self) -> None:
        assert misses(clip="4x48x48 stride 2") == []

    def test_speed_is_that_of_whole_videos(self) -> None:
        # a clip takes half the time, and a video twice as many
        (miss,) = misses(clip="4x48x48", clips_per_video=2.0)
        assert miss.startswith("1.00x as fast as the dense baseline at p50, by the video, at least")
        (miss,) = misses(p50_ms=15.0)
        assert miss.startswith("1.33x as fast as the dense baseline at p50, at least")
