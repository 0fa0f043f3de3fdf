"""One cell of a study as it is kept, with figures that are easy to compute with."""

from __future__ import annotations

import dataclasses

from vcc.evaluation.study.results import EAGER, CellResult, Timing


def timing(network: str, runtime: str, precision: str, ms: float) -> Timing:
    return Timing(network=network, runtime=runtime, precision=precision, p50_ms=ms, p95_ms=2 * ms)


DENSE_TIMES = (
    timing("dense", EAGER, "f32", 100.0),
    timing("dense", "onnxruntime CPU", "f32", 50.0),
    timing("dense", "OpenVINO CPU", "f32", 25.0),
)


def cell(**changes: object) -> CellResult:
    made = CellResult(
        model="net",
        method="filters",
        repeat="s1",
        settings="abc",
        created="2026-11-25T10:00:00+00:00",
        run_id="run",
        command="command",
        machine={"cpu": "c"},
        params=10,
        macs=20,
        size_bytes=30,
        sparsity=0.0,
        clip_top1=0.5,
        right="1100",
        dense_right="1110",
        timings=(*DENSE_TIMES, timing("compressed", "OpenVINO CPU", "int8", 5.0)),
        timed_clip=(16, 112, 112),
        training_s=1.0,
        seconds=2.0,
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]
