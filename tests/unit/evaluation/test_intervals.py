"""Intervals of accuracies, against published ones and hand calculations."""

from __future__ import annotations

import pytest

from vcc.evaluation.intervals import student_t_interval, wilson_interval


def test_students_interval_against_a_hand_calculation() -> None:
    # mean 0.6, s = 0.1581, s / sqrt(5) = 0.0707, t(4, 0.975) = 2.7764
    interval = student_t_interval([0.4, 0.5, 0.6, 0.7, 0.8])
    assert interval.mean == pytest.approx(0.6)
    assert interval.low == pytest.approx(0.6 - 0.1963, abs=1e-4)
    assert interval.high == pytest.approx(0.6 + 0.1963, abs=1e-4)


def test_wilsons_interval_against_a_published_one() -> None:
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662.
    interval = wilson_interval(81, 263)
    assert (interval.low, interval.high) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(0, 10).low == 0.0
