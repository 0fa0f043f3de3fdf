"""The tables say what was measured, and leave blank what was not."""

from __future__ import annotations

from dataclasses import replace

from vcc.pipeline.compare.tables import (
    cost_points,
    front_of,
    gate_rows,
    latency_rows,
    version_rows,
)
from vcc.pipeline.compare.versions import ComparedVersion


def test_every_version_has_a_row(read: tuple[ComparedVersion, ...]) -> None:
    header, dense, thin, _ = version_rows(read)
    assert len(header) == len(dense) == len(thin)
    assert dense == [
        "toy-motion/1", "", "training", "87.5% of 8", "52.9% to 97.8%", "0.00 M", "2.0 M",
        "4.00 MB", "30.00 ms", "onnxruntime CPU", "yes",
    ]  # fmt: skip
    assert thin[:4] == ["toy-motion/2", "champion", "masked, thinned", "75.0% of 8"]


def test_what_was_not_measured_is_blank(read: tuple[ComparedVersion, ...]) -> None:
    version = replace(read[1].version, tags={"role": "compressed"})
    bare = replace(read[1], version=version, aliases=(), graph=None, times={})
    row = version_rows([bare])[1]
    assert row == ["toy-motion/2", "", "", "not evaluated", *[""] * 3, "not exported", *[""] * 3]
    assert len(latency_rows([bare])) == len(gate_rows([bare])) == 1
    assert not cost_points([bare])


def test_the_front_is_what_no_other_beats_on_its_data(read: tuple[ComparedVersion, ...]) -> None:
    # The int8 file is as accurate as the thin one, and faster.
    assert front_of(read) == {"toy-motion/1", "toy-motion/3"}
    elsewhere = {**read[2].version.tags, "data_digest": "other"}
    moved = replace(read[2], version=replace(read[2].version, tags=elsewhere))
    # Alone on its data, it beats nobody.
    assert front_of([*read[:2], moved]) == {"toy-motion/1", "toy-motion/2"}


def test_latency_has_a_column_for_each_runtime(read: tuple[ComparedVersion, ...]) -> None:
    assert latency_rows(read) == [
        ["version", "file's video top-1", "onnxruntime CPU, f32"],
        ["toy-motion/1", "87.5%", "30.00 ms"],
        ["toy-motion/2", "75.0%", "15.00 ms, 2.00x"],
        ["toy-motion/3", "75.0%", "10.00 ms, 3.00x"],
    ]


def test_verdicts_say_what_was_missed_and_who_promoted(read: tuple[ComparedVersion, ...]) -> None:
    _, passed, failed = gate_rows(read)
    assert passed[:6] == ["toy-motion/2", "passed", "", "2026-11-30", "ann", "smaller"]
    assert failed[:3] == ["toy-motion/3", "failed", "video top-1 75.0%, at least 80.0% wanted"]
