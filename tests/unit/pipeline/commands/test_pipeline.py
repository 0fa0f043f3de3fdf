"""The pipeline ends with its table and figures, and with the pass marks that it is held to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vcc.config.entrypoints import PipelineEntry
from vcc.errors import GateError
from vcc.evaluation.comparison import Variant
from vcc.pipeline.commands import pipeline as command


def variant(name: str, **changes: Any) -> Variant:
    values: dict[str, Any] = {
        "params": 100,
        "macs": 1000,
        "size_bytes": 400,
        "sparsity": 0.0,
        "clip_top1": 0.8,
        "video_top1": 0.9,
        "test_videos": 120,
        "latency_p50_ms": 8.0,
        "latency_p95_ms": 9.0,
        "runtime": "onnxruntime CPU",
    }
    return Variant(name=name, **{**values, **changes})


@pytest.fixture
def figures(opened: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The compressed network's figures, beside 8 ms and 90 % of the dense one."""
    changes: dict[str, Any] = {"latency_p50_ms": 4.0, "params": 50, "macs": 250}
    changes["video_top1"] = 0.89
    changes_of_run = {"runs": opened(command)}

    def steps(options: Any, run: Any) -> Any:
        return [variant("dense"), variant("compressed", **changes)], 0.1

    monkeypatch.setattr(command, "take_steps", steps)
    # It trains a few steps of a whole network.
    monkeypatch.setattr(command, "estimate_line", lambda *_: "this will take about an hour")
    changes_of_run["changes"] = changes
    return changes_of_run


def test_table_and_figures_are_told(
    figures: dict[str, Any], run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command.run_pipeline(PipelineEntry(results=tmp_path))
    said = capsys.readouterr().out
    assert said.startswith("this will take about an hour\n")
    assert "(always naming the largest class would score 10.0%)" in said
    assert "runs and models: sqlite:///here.db" in said
    assert said.rstrip().endswith("pass marks reached")
    assert run.metrics["speedup"] == [2.0]
    assert run.metrics["macs_ratio"] == [4.0]
    assert run.metrics["video_top1_drop"] == [pytest.approx(0.01)]
    assert "compressed" in run.texts["comparison.md"]
    assert run.tags["description"].endswith(run.texts["comparison.md"].strip())
    assert figures["runs"][0][1]["step"] == "pipeline"


def test_marks_that_are_missed_end_it_with_the_table_printed(
    figures: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures["changes"]["latency_p50_ms"] = 7.9
    with pytest.raises(GateError, match="pass marks missed: 1.01x faster"):
        command.run_pipeline(PipelineEntry(results=tmp_path))
    assert "compressed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "held"), [({"pass_marks": "off"}, False), ({"pass_marks": "on"}, True), ({}, False)]
)
def test_videos_of_one_s_own_are_held_to_marks_where_asked(
    figures: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    *, more: dict[str, Any], held: bool,
) -> None:  # fmt: skip
    figures["changes"]["latency_p50_ms"] = 7.9
    monkeypatch.setattr(command, "expected_videos", lambda options: None)
    options = PipelineEntry(results=tmp_path, videos=tmp_path, **more)
    if held:
        with pytest.raises(GateError, match="pass marks missed"):
            command.run_pipeline(options)
    else:
        command.run_pipeline(options)
