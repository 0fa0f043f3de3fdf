"""What a search of two judged trials and one finalist found."""

from __future__ import annotations

from typing import Any

from vcc.config.search import SearchOptions
from vcc.export.benchmark import Latency
from vcc.pipeline.export.turns import Timed
from vcc.pipeline.search.finalists import Finalist
from vcc.pipeline.search.prices import Measured
from vcc.pipeline.search.report import SearchFindings
from vcc.pipeline.search.space import SearchCandidate
from vcc.pipeline.search.study import COSTLY, JUDGED, Outcome
from vcc.pipeline.search.target import Price, target_of


def latency(ms: float) -> Latency:
    """Return times that are all the same."""
    return Latency(
        runtime="it",
        precision="f32",
        batch=1,
        runs=10,
        p50_ms=ms,
        p90_ms=ms,
        p95_ms=ms,
        p99_ms=ms,
        rounds_ms=(ms,) * 10,
    )


def outcome_of(
    number: int, ms: float, top1: float | None, *, measured: float | None = None
) -> Outcome:
    """Return a trial that took half of the filters of one group and a quarter of a rank."""
    return Outcome(
        number=number,
        candidate=SearchCandidate(filters={"a": 0.5}, ranks={"stem": 0.25}, int8=True),
        end=COSTLY if top1 is None else JUDGED,
        price=Price(latency_ms=ms, macs=0.25, size_mb=1.5),
        measured=None if measured is None else Measured(latency_ms=measured, size_mb=2.0),
        settled_top1=top1,
        top1=top1,
    )


def found_of(**target: Any) -> SearchFindings:
    """Return what was found for a target, by default of at most 5 ms."""
    first = outcome_of(0, 3.0, 0.8, measured=4.0)
    made: Any = None
    options = SearchOptions(**(target or {"target_latency_ms": 5.0}))
    return SearchFindings(
        target=target_of(options, eager_ms=40.0),
        outcomes=[first, outcome_of(1, 6.0, 0.88), outcome_of(2, 9.0, None)],
        dense_top1=0.9,
        dev_videos=40,
        dense_figure=10.0,
        finalists=[Finalist(name="trial0", outcome=first, made=made, top1=0.85)],
        times={
            "dense in PyTorch": Timed(latency=latency(40.0), size_mb=8.0),
            "dense": Timed(latency=latency(10.0), size_mb=8.0),
            "trial0": Timed(latency=latency(4.0), size_mb=2.0),
        },
    )
