"""Sessions timed in turns, and speed-ups that are real."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest
from export_toys import CLIP_SHAPE

from vcc.export.benchmark import Latency, SpeedUp, measure_latency, speed_up
from vcc.export.runtimes.catalog import Session


@pytest.fixture(autouse=True)
def _nothing_settles(monkeypatch: pytest.MonkeyPatch) -> None:
    # Threads of the session before are no matter here.
    monkeypatch.setattr("vcc.export.benchmark._SETTLE_S", 0.0)


class Counting(Session):
    """Counts its runs and the clips of each."""

    def __init__(self, name: str) -> None:
        self.runtime = name
        self.batches: list[int] = []

    def run(self, pixels: Any) -> Any:
        self.batches.append(len(pixels))
        return np.zeros((len(pixels), 5), np.float32)


def test_all_sessions_are_timed_equally_often_after_the_warm_up() -> None:
    sessions = {"dense": Counting("one"), "small": Counting("two")}
    shapes = dict.fromkeys(sessions, CLIP_SHAPE)
    latencies = measure_latency(sessions, shapes, batch=3, runs=7, warmup=2)
    for name, session in sessions.items():
        assert set(session.batches) == {3}
        assert len(session.batches) >= 2 + 7
        assert latencies[name].runs == 7
        assert len(latencies[name].rounds_ms) == 7
        assert latencies[name].runtime == session.runtime
        ordered = latencies[name]
        assert 0 < ordered.p50_ms <= ordered.p90_ms <= ordered.p95_ms <= ordered.p99_ms
        assert latencies[name].metrics()["clips_per_second"] == pytest.approx(
            3000 / latencies[name].p50_ms
        )


def test_nothing_is_collected_while_times_are_taken() -> None:
    seen: list[bool] = []

    class Watching(Counting):
        def run(self, pixels: Any) -> Any:
            seen.append(gc.isenabled())
            return super().run(pixels)

    session = {"a": Watching("one")}
    measure_latency(session, {"a": CLIP_SHAPE}, batch=1, runs=5, warmup=1)
    assert seen[0] is True
    assert not any(seen[1:])
    assert gc.isenabled()


def latency(*rounds_ms: float) -> Latency:
    return Latency(
        runtime="cpu",
        precision="f32",
        batch=4,
        runs=len(rounds_ms),
        p50_ms=float(np.median(rounds_ms)),
        p90_ms=9.0,
        p95_ms=9.5,
        p99_ms=9.9,
        rounds_ms=rounds_ms,
    )


def test_a_speed_up_is_of_the_medians_and_its_spread_of_the_rounds() -> None:
    found = speed_up(latency(10, 10, 10, 10, 20), latency(5, 5, 5, 5, 5))
    assert (found.ratio, found.rounds) == (2.0, 5)
    assert found.low == 2.0
    assert found.high == pytest.approx(3.2)
    assert found.is_real
    assert found.as_text() == "2.00x"


def test_rounds_belong_together() -> None:
    with pytest.raises(ValueError, match="zip"):
        speed_up(latency(1, 2), latency(1, 2, 3))


@pytest.mark.parametrize(
    ("low", "high", "rounds", "real"),
    [
        (1.1, 1.3, 5, True),
        (0.7, 0.9, 5, True),
        (0.9, 1.3, 5, False),
        (1.0, 1.3, 5, False),
        (1.1, 1.3, 4, False),
    ],
)
def test_a_difference_inside_the_spread_is_none(
    low: float, high: float, rounds: int, real: bool
) -> None:
    found = SpeedUp(ratio=1.2, low=low, high=high, rounds=rounds)
    assert found.is_real is real
    assert found.as_text() == ("1.20x" if real else f"none ({low:.2f}-{high:.2f})")


def test_work_of_fewer_clips_is_that_much_faster() -> None:
    scaled = SpeedUp(ratio=1.2, low=1.0, high=1.5, rounds=5).scaled(2.0)
    assert scaled == SpeedUp(ratio=2.4, low=2.0, high=3.0, rounds=5)


def test_clips_per_second_count_the_batch() -> None:
    assert latency(8.0).metrics()["clips_per_second"] == 500.0
