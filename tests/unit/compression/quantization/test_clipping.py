"""Ranges of activations by each clip mode, by hand."""

from __future__ import annotations

import dataclasses
import math

import pytest

from vcc.compression.quantization.clipping import (
    GAUSS,
    LAPLACE,
    ActivationStats,
    clip_range,
    entropy_range,
    mse_range,
    percentile_range,
)

ASYMMETRIC, SYMMETRIC = "ASYMMETRIC_UNSIGNED", "SYMMETRIC"
STATS = ActivationStats(
    minimum=-2.0, maximum=10.0, avg_min=-1.0, avg_max=6.0, mean=1.0, std=2.0, b=1.5
)
# one value in a hundred thousand lies far out
LONG_TAIL = ActivationStats(
    minimum=0.0,
    maximum=100.0,
    avg_min=0.0,
    avg_max=2.0,
    mean=0.5,
    std=0.5,
    b=0.25,
    counts=(99_999, *[0] * 98, 1),
)
DECAYING = dataclasses.replace(
    LONG_TAIL, counts=tuple(int(1e6 * math.exp(-bin_ / 5)) + 1 for bin_ in range(100))
)


@pytest.mark.parametrize(
    ("clip", "expected"), [("NONE", (-2.0, 10.0)), ("AVG", (-1.0, 6.0)), ("N_STD", (-2.0, 5.0))]
)
def test_a_range_is_what_the_mode_says(clip: str, expected: tuple[float, float]) -> None:
    assert clip_range(STATS, clip, bits=8, mode=ASYMMETRIC, n_stds=2.0) == expected


def test_a_symmetric_range_reaches_as_far_on_both_sides() -> None:
    assert clip_range(STATS, "NONE", bits=8, mode=SYMMETRIC) == (-10.0, 10.0)


def test_behind_a_relu_a_range_begins_at_zero() -> None:
    assert clip_range(STATS, "AVG", bits=8, mode=ASYMMETRIC, half_range=True) == (0.0, 6.0)


@pytest.mark.parametrize(
    ("clip", "table", "unit"), [("GAUSS", GAUSS, 2.0), ("LAPLACE", LAPLACE, 1.5)]
)
def test_aciq_reaches_so_many_deviations(clip: str, table: dict[int, float], unit: float) -> None:
    reach = 1.0 + table[4] * unit
    assert clip_range(STATS, clip, bits=4, mode=SYMMETRIC) == pytest.approx((-reach, reach))
    # half a range has the levels of one bit more
    low, high = clip_range(STATS, clip, bits=4, mode=ASYMMETRIC, half_range=True)
    assert high - low == pytest.approx(table[5] * unit)


def test_histograms_leave_the_outlier_out() -> None:
    assert percentile_range(LONG_TAIL, 0.9999) == (0.0, 1.0)
    assert mse_range(LONG_TAIL, 4, ASYMMETRIC)[1] < 100.0
    assert clip_range(LONG_TAIL, "PERCENTILE", bits=8, mode=ASYMMETRIC) == (0.0, 1.0)


def test_the_least_divergence_is_the_whole_range_where_nothing_is_lost() -> None:
    # a level per bin, then many bins per level
    assert entropy_range(DECAYING, 8) == (0.0, 100.0)
    assert 20.0 <= entropy_range(DECAYING, 3)[1] < 100.0


@pytest.mark.parametrize(("clip", "message"), [("N_STD", "clip_n_stds"), ("MSE", "histogram")])
def test_what_a_mode_needs_is_named(clip: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        clip_range(STATS, clip, bits=8, mode=ASYMMETRIC)
