"""The table of runtimes: what was not run says so, and why, without spoiling the columns."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from vcc.export.benchmark import Latency, speed_up
from vcc.export.plots import plot_latency, plot_pareto
from vcc.export.runtime_table import Row, RuntimeTable


def latency(milliseconds: float) -> Latency:
    return Latency(
        runtime="onnxruntime CPU",
        precision="f32",
        batch=1,
        runs=5,
        p50_ms=milliseconds,
        p90_ms=milliseconds,
        p95_ms=milliseconds,
        p99_ms=milliseconds,
        rounds_ms=(milliseconds,) * 5,
    )


def row(network: str, runtime: str, made: Latency | None, reason: str = "") -> Row:
    return Row(
        network=network,
        runtime=runtime,
        precision="f32",
        batch=1,
        latency=made,
        reason=reason,
        memory_bytes=12_300_000 if made else None,
    )


TABLE = RuntimeTable(
    rows=(
        row("dense", "onnxruntime CPU", latency(8.0)),
        row("dense", "cuda", None, "there is no GPU"),
        row("compressed", "onnxruntime CPU", latency(2.0)),
        row("compressed", "cuda", None, "there is no GPU"),
    ),
    coverages=(),
    threads=2,
)


def test_rows_that_were_not_run_are_short_and_explained_once() -> None:
    cells = TABLE.cells()
    assert {len(line) for line in cells} == {len(cells[0])}
    assert [line[4] for line in cells[1:]] == ["8.00", "not run", "2.00", "not run"]
    assert TABLE.not_run() == ["not run: cuda f32: there is no GPU"]
    halves = dataclasses.replace(row("dense", "cuda", None, "there is no GPU"), precision="f16")
    more = dataclasses.replace(TABLE, rows=(*TABLE.rows, halves))
    assert more.not_run() == ["not run: cuda f32, cuda f16: there is no GPU"]


def test_speed_is_against_the_dense_network_on_the_same_runtime() -> None:
    header, dense, _, compressed, _ = TABLE.cells()
    column = header.index("vs dense there")
    assert dense[column] == ""
    assert compressed[column] == "4.00x"


def test_metrics_hold_only_what_was_timed() -> None:
    assert TABLE.metrics() == {
        "runtime_ms.dense.onnxruntime_CPU.f32.b1": 8.0,
        "runtime_ms.compressed.onnxruntime_CPU.f32.b1": 2.0,
        "runtime_mb.dense.onnxruntime_CPU.f32.b1": 12.3,
        "runtime_mb.compressed.onnxruntime_CPU.f32.b1": 12.3,
    }


def test_memory_has_a_column() -> None:
    header, dense, missing, *_ = TABLE.cells()
    assert (dense[header.index("MB")], missing[header.index("MB")]) == ("12", "")


def test_pictures_of_the_table_are_written(tmp_path: Path) -> None:
    accuracies = {"dense": 0.9, "compressed": 0.95}
    for path in (
        plot_latency(TABLE.rows, tmp_path / "latency.png"),
        plot_pareto(TABLE.rows, accuracies, tmp_path / "pareto.png"),
    ):
        assert path.read_bytes().startswith(b"\x89PNG")


def test_a_speed_up_by_the_video_counts_the_clips() -> None:
    gained = speed_up(latency(8.0), latency(4.0))
    assert (gained.ratio, gained.low, gained.high, gained.is_real) == (2, 2, 2, True)
    # Twice as many clips a video: no gain, and no claim of one.
    whole = gained.scaled(0.5)
    assert (whole.ratio, whole.low, whole.high, whole.is_real) == (1, 1, 1, False)
