"""Calibration: the curve of reliability and its mean gap, by hand."""

from __future__ import annotations

import math

import pytest
from scored_videos import scored

from vcc.evaluation.calibration import Reliability, ScoreBin, joined_bins, reliability


def test_calibration_error_is_the_mean_gap() -> None:
    # 4 videos at a score of 0.78, 2 of them right: the gap is 0.28.
    curve = reliability(scored(0, 1, 1, 0, sure=0.78))
    assert curve.ece == pytest.approx(0.28, abs=1e-6)
    assert sum(curve.videos) == 4
    filled = [i for i, count in enumerate(curve.videos) if count]
    assert len(filled) == 1
    assert curve.accuracy[filled[0]] == 0.5
    assert curve.edges[filled[0]] < 0.78 <= curve.edges[filled[0] + 1]


def test_a_score_of_one_is_in_the_last_bin() -> None:
    curve = reliability(scored(0, 0, 1, 2, sure=1.0))
    assert curve.videos[-1] == 4
    assert curve.ece == pytest.approx(0.0)


def test_bins_of_few_videos_are_joined() -> None:
    curve = Reliability(
        edges=tuple(number / 6 for number in range(7)),
        videos=(0, 1, 3, 4, 2, 1),
        confidence=(math.nan, 0.2, 0.4, 0.6, 0.8, 0.9),
        accuracy=(math.nan, 1.0, 1 / 3, 0.5, 0.0, 1.0),
        ece=0.1,
    )
    first, second = joined_bins(curve, fewest=4)
    assert (first.videos, first.right) == (4, 2)
    assert first.confidence == pytest.approx((0.2 + 3 * 0.4) / 4)
    # One video and two are too few for a bin of their own.
    assert (second.videos, second.right) == (7, 3)
    assert second.confidence == pytest.approx((4 * 0.6 + 2 * 0.8 + 0.9) / 7)
    (whole,) = joined_bins(curve, fewest=100)
    assert whole == ScoreBin(videos=11, right=5, confidence=whole.confidence)
