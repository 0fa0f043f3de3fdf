"""Latency of several sessions, measured in turns so that the machine's moods hit all alike."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vcc.export.runtimes import Session


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Times of one run of a session, in milliseconds.

    Attributes:
        runtime: what ran it.
        batch: clips per run.
        runs: how many were timed.
        p50_ms: median.
        p95_ms: 95th percentile.
    """

    runtime: str
    batch: int
    runs: int
    p50_ms: float
    p95_ms: float

    def metrics(self) -> dict[str, float]:
        """Return the figures under their logged names."""
        return {
            "latency_p50_ms": self.p50_ms,
            "latency_p95_ms": self.p95_ms,
            "clips_per_second": 1000 * self.batch / self.p50_ms,
        }


def measure_latency(
    sessions: Mapping[str, Session],
    clip_shapes: Mapping[str, tuple[int, int, int, int]],
    *,
    batch: int,
    runs: int,
    warmup: int,
) -> dict[str, Latency]:
    """Time every session `runs` times on random pixels, one of each in every round.

    Args:
        sessions: name -> what is timed.
        clip_shapes: name -> (3, T, H, W) of its input.
        batch: clips per run.
        runs: timed rounds.
        warmup: untimed rounds before them.
    """
    generator = np.random.default_rng(0)
    inputs = {
        name: generator.uniform(0, 255, (batch, *clip_shapes[name])).astype(np.float32)
        for name in sessions
    }
    times: dict[str, list[float]] = {name: [] for name in sessions}
    order = list(sessions)
    shuffle = random.Random(0)
    gc_was_on = gc.isenabled()
    gc.disable()
    try:
        for round_number in range(warmup + runs):
            # A fixed order would always give the same one the other's warm or cold cache.
            shuffle.shuffle(order)
            for name in order:
                started = time.perf_counter()
                sessions[name].run(inputs[name])
                if round_number >= warmup:
                    times[name].append(1000 * (time.perf_counter() - started))
    finally:
        if gc_was_on:
            gc.enable()
    return {
        name: Latency(
            runtime=session.runtime,
            batch=batch,
            runs=runs,
            p50_ms=float(np.percentile(times[name], 50)),
            p95_ms=float(np.percentile(times[name], 95)),
        )
        for name, session in sessions.items()
    }
