"""Ranked structures: the lowest go, led by one or each by itself."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from prune_context import context

from vcc.compression.pruners.ramps import ConstantFraction
from vcc.compression.pruners.ranked import (
    BernoulliPruner,
    RankedPruner,
    by_mean,
    keep_slices,
    keep_structures,
)
from vcc.compression.pruners.scores import NormScore
from vcc.errors import ScheduleError

WEAK_FIRST, WEAK_LAST = [[1.0, 1.0], [5.0, 5.0]], [[5.0, 5.0], [1.0, 1.0]]


def pruner(*weights: str, share: float = 0.5, **options: Any) -> RankedPruner:
    return RankedPruner(
        weights,
        fraction=ConstantFraction(share),
        score=NormScore(1),
        **{"group_type": "Filters", **options},
    )


def test_each_weight_is_ranked_by_itself() -> None:
    masks = pruner("w", "v").new_masks(context(w=WEAK_FIRST, v=WEAK_LAST))
    assert masks["w"][:, 0].tolist() == [False, True]
    assert masks["v"][:, 0].tolist() == [True, False]


def test_a_leader_s_choice_is_applied_to_all_and_kept() -> None:
    led = pruner("w", "v", leader=True)
    masks = led.new_masks(context(w=WEAK_FIRST, v=WEAK_LAST))
    assert masks["v"][:, 0].tolist() == [False, True]

    resumed = pruner("w", "v", leader=True)
    resumed.load_state_dict(led.state_dict())
    again = resumed.new_masks(context(w=WEAK_LAST, v=WEAK_LAST))
    assert again["w"][:, 0].tolist() == [False, True]
    resumed.forget_shapes()
    anew = resumed.new_masks(context(w=WEAK_LAST, v=WEAK_LAST))
    assert anew["w"][:, 0].tolist() == [True, False]


def test_a_follower_of_another_size_is_named() -> None:
    with pytest.raises(ScheduleError, match="v has .* its leader w has"):
        pruner("w", "v", leader=True).new_masks(context(w=WEAK_FIRST, v=[[1.0]] * 3))


def test_a_weight_without_such_structures_is_named() -> None:
    with pytest.raises(ScheduleError, match="cannot prune w"):
        pruner("w", group_type="TemporalSlices").new_masks(context(w=WEAK_FIRST))


def test_nothing_to_prune_leaves_the_masks() -> None:
    assert pruner("w", share=0.0).new_masks(context(w=WEAK_FIRST)) == {}


def test_runs_of_structures_go_together_and_a_short_one_stays() -> None:
    scores = torch.tensor([1.0, 1.0, 9.0, 9.0, 0.0])
    keep = keep_structures(scores, 0.5, group_size=2)
    assert keep is not None
    assert keep.tolist() == [False, False, True, True, True]
    assert keep_structures(scores, 0.1) is None


def test_slices_stay_round_the_middle() -> None:
    keep = keep_slices(torch.tensor([1.0, 1.0, 5.0]), 0.34)
    assert keep is not None
    assert keep.tolist() == [False, True, True]
    assert keep_slices(torch.ones(3), 0.3) is None


def test_bernoulli_drops_about_the_share_anew_each_epoch() -> None:
    dropping = BernoulliPruner(
        ("w",), group_type="Filters", fraction=ConstantFraction(0.25), score=NormScore(1)
    )
    many = [[1.0]] * 1000
    first, again, later = (
        dropping.new_masks(context(epoch, w=many))["w"].flatten() for epoch in (0, 0, 1)
    )
    # 250 expected, with a deviation of 14
    assert 180 < int((~first).sum()) < 320
    assert bool((first == again).all())
    assert not bool((first == later).all())


def test_scores_are_compared_by_their_mean() -> None:
    assert by_mean(torch.tensor([1.0, 3.0])).tolist() == [0.5, 1.5]
    assert by_mean(torch.zeros(2)).tolist() == [0.0, 0.0]
