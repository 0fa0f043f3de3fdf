"""Latency of several sessions, measured in turns so that the machine's moods hit all alike."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from vcc.export.session import Pixels, Session
from vcc.progress import follow

# Before it is timed, a session runs for this long: the threads of the one before it still spin and
# take a core from it. ONNX Runtime's do so for some 50 ms: two files of 9.2 and 4.0 ms alone took,
# in turns on two cores, 16.0 and 8.4 ms after 10 ms, 12.1 and 8.6 after 30, 11.5 and 4.8 after 100.
_SETTLE_S = 0.1
_MOST_IN_A_ROW = 5
_LEAST_ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Times of one run of a session, in milliseconds.

    Attributes:
        runtime: what ran it.
        precision: what its layers computed in.
        batch: clips per run.
        runs: how many were timed.
        p50_ms: median.
        p90_ms: 90th percentile; p95_ms and p99_ms likewise.
        rounds_ms: median of each round; rounds of sessions timed together belong together.
    """

    runtime: str
    precision: str
    batch: int
    runs: int
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    rounds_ms: tuple[float, ...]

    @property
    def clips_per_second(self) -> float:
        """Clips that one session takes per second, one batch after the other."""
        return 1000 * self.batch / self.p50_ms

    def metrics(self) -> dict[str, float]:
        """Return the figures under their logged names."""
        return {
            "latency_p50_ms": self.p50_ms,
            "latency_p90_ms": self.p90_ms,
            "latency_p95_ms": self.p95_ms,
            "latency_p99_ms": self.p99_ms,
            "clips_per_second": self.clips_per_second,
        }


@dataclass(frozen=True, kw_only=True)
class SpeedUp:
    """How many times faster a session is than another that was timed in the same rounds.

    Attributes:
        ratio: of the medians.
        low: 10th percentile of the ratios of single rounds.
        high: 90th percentile.
        rounds: how many rounds.
    """

    ratio: float
    low: float
    high: float
    rounds: int

    @property
    def is_real(self) -> bool:
        """Whether the difference is outside the spread: it has its sign in 9 rounds of 10."""
        return self.rounds >= _LEAST_ROUNDS and not self.low <= 1 <= self.high

    def scaled(self, factor: float) -> SpeedUp:
        """Return it for work of which the other session has `factor` times less."""
        return replace(
            self, ratio=self.ratio * factor, low=self.low * factor, high=self.high * factor
        )

    def as_text(self) -> str:
        """Return "2.17x", or "none" for a difference inside the spread."""
        return f"{self.ratio:.2f}x" if self.is_real else f"none ({self.low:.2f}-{self.high:.2f})"


def speed_up(reference: Latency, other: Latency) -> SpeedUp:
    """Return how many times faster `other` is than `reference`, timed in the same rounds."""
    pairs = zip(reference.rounds_ms, other.rounds_ms, strict=True)
    ratios = [one / two for one, two in pairs]
    return SpeedUp(
        ratio=reference.p50_ms / other.p50_ms,
        low=float(np.percentile(ratios, 10)),
        high=float(np.percentile(ratios, 90)),
        rounds=len(ratios),
    )


def measure_latency(
    sessions: Mapping[str, Session],
    clip_shapes: Mapping[str, tuple[int, int, int, int]],
    *,
    batch: int,
    runs: int,
    warmup: int,
) -> dict[str, Latency]:
    """Time every session `runs` times on random pixels, a few of each in every round.

    Args:
        sessions: name -> what is timed.
        clip_shapes: name -> (3, T, H, W) of its input.
        batch: clips per run.
        runs: timed runs of each, at least.
        warmup: untimed runs of each before them.
    """
    generator = np.random.default_rng(0)
    inputs = {
        name: generator.uniform(0, 255, (batch, *clip_shapes[name])).astype(np.float32)
        for name in sessions
    }
    in_a_row = max(1, min(_MOST_IN_A_ROW, runs // _LEAST_ROUNDS))
    times: dict[str, list[list[float]]] = {name: [] for name in sessions}
    order = list(sessions)
    shuffle = random.Random(0)
    for name in order:
        for _ in range(warmup):
            sessions[name].run(inputs[name])
    with _no_garbage_collection():
        rounds = range(-(-runs // in_a_row))
        for _ in follow(rounds, f"timing {len(order)} networks and runtimes", unit="rounds"):
            # A fixed order would always give the same one the other's warm or cold cache.
            shuffle.shuffle(order)
            for name in order:
                times[name].append(_round(sessions[name], inputs[name], in_a_row))
    return {name: _latency(sessions[name], batch, times[name]) for name in sessions}


def _round(session: Session, pixels: Pixels, count: int) -> list[float]:
    settled = time.perf_counter() + _SETTLE_S
    session.run(pixels)
    while time.perf_counter() < settled:
        session.run(pixels)
    times = []
    for _ in range(count):
        started = time.perf_counter()
        session.run(pixels)
        times.append(1000 * (time.perf_counter() - started))
    return times


def _latency(session: Session, batch: int, rounds: list[list[float]]) -> Latency:
    times = [ms for one in rounds for ms in one]
    p50, p90, p95, p99 = (float(value) for value in np.percentile(times, (50, 90, 95, 99)))
    return Latency(
        runtime=session.runtime,
        precision=session.precision,
        batch=batch,
        runs=len(times),
        p50_ms=p50,
        p90_ms=p90,
        p95_ms=p95,
        p99_ms=p99,
        rounds_ms=tuple(float(np.median(one)) for one in rounds),
    )


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
