"""Calibration: the curve of reliability and its mean gap, by hand."""

from __future__ import annotations

import pytest
from scored_videos import scored

from vcc.evaluation.calibration import reliability


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
