"""Redundancy and BatchNorm scales as scores of filters, by hand."""

from __future__ import annotations

import pytest
from prune_context import context

from vcc.compression.pruners.filter_scores import BatchNormScaleScore, Gate, GeometricMedianScore


def test_distances_count_to_living_filters_only() -> None:
    # 0 and 1 are 5 apart, 1 and 2 are 1 apart, 0 and 2 are 6 apart; the last is masked
    filters = [[0.0, 1.0], [5.0, 1.0], [6.0, 1.0], [0.0, 0.0]]
    scores = GeometricMedianScore()("w", (0,), context(w=filters))
    assert scores is not None
    assert scores.tolist() == pytest.approx([11.0, 6.0, 7.0, 0.0])


def test_a_scale_s_size_counts_unless_its_filter_is_gone() -> None:
    score = BatchNormScaleScore({"w": Gate("gamma", "beta")})
    moment = context(w=[[1.0], [1.0], [0.0]], gamma=[-0.5, 0.25, 9.0], v=[[1.0]])
    scores = score("w", (0,), moment)
    assert scores is not None
    assert scores.tolist() == [0.5, 0.25, 0.0]
    assert score("v", (0,), moment) is None
    assert score("w", (0,), context(w=[[1.0]])) is None
