"""How fast a machine is with a network, by a clock of the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vcc.config.data import ClipOptions
from vcc.config.model import ModelOptions
from vcc.pipeline.pace import calibrate_network


def clock(*seconds: float) -> Iterator[float]:
    """Yield the times at the beginning and the end of actions that take so long."""
    now = 0.0
    for each in seconds:
        yield now
        now += each
        yield now


def test_the_median_of_three_counts_per_clip() -> None:
    times = clock(8.0, 2.0, 4.0, 1.0, 9.0, 2.0)
    found = calibrate_network(
        ModelOptions(model="resnet", model_depth=10, width_mult=0.0625),
        ClipOptions(sample_size=16, sample_duration=2, batch_size=2),
        n_classes=2,
        no_cuda=True,
        clock=lambda: next(times),
    )
    assert found.train_s == pytest.approx(2.0)
    assert found.classify_s == pytest.approx(1.0)
    assert next(times, None) is None
