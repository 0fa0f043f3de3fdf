"""Pruners of single weights, on rows of numbers whose masks can be said by hand."""

from __future__ import annotations

import pytest
import torch
from prune_context import context

from vcc.compression.pruners.base import Pruner
from vcc.compression.pruners.elementwise import (
    AutomatedGradualPruner,
    BaiduRNNPruner,
    LevelPruner,
    MagnitudePruner,
    SensitivityPruner,
    SplicingPruner,
)
from vcc.compression.schedule.epochs import epoch_range

ROW = [-4.0, 3.0, -2.0, 1.0]


@pytest.mark.parametrize(
    ("pruner", "kept"),
    [
        (MagnitudePruner({"w": 2.0}), [True, True, False, False]),
        (LevelPruner({"w": 0.25}), [True, True, True, False]),
        (LevelPruner({"w": 1.0}), [False] * 4),
        # the unbiased deviation of ROW is 3.1091
        (SensitivityPruner({"w": 0.7}), [True, True, False, False]),
        (
            AutomatedGradualPruner(initial_sparsity=0.5, final_sparsity=0.9, weights=("w",)),
            [True, True, False, False],
        ),
    ],
)
def test_a_mask_is_what_the_definition_says(pruner: Pruner, kept: list[bool]) -> None:
    assert pruner.targets == ("w",)
    assert pruner.new_masks(context(w=ROW))["w"].tolist() == kept


@pytest.mark.parametrize("level", [0.0, 0.24])
def test_a_level_of_no_weight_leaves_the_mask_that_there_is(level: float) -> None:
    assert LevelPruner({"w": level}).new_masks(context(w=ROW)) == {}


def test_a_gradual_level_ends_at_its_last_epoch() -> None:
    pruner = AutomatedGradualPruner(initial_sparsity=0.0, final_sparsity=0.75, weights=("w",))
    assert pruner.new_masks(context(0, w=ROW)) == {}
    assert int(pruner.new_masks(context(9, w=ROW))["w"].sum()) == 1


def test_a_sensitivity_s_deviation_is_taken_once_and_saved() -> None:
    pruner = SensitivityPruner({"w": 0.7, "one": 9.0})
    first = pruner.new_masks(context(w=ROW, one=[1.0]))
    # one element has no deviation
    assert list(first) == ["w"]
    resumed = SensitivityPruner({"w": 0.7})
    resumed.load_state_dict(pruner.state_dict())
    # of the new weights it would be 31.091, of the first it is 3.1091
    later = resumed.new_masks(context(w=[10 * value for value in ROW]))["w"]
    assert later.tolist() == [True] * 4


def test_splicing_revives_from_the_high_threshold_and_keeps_the_mask_between() -> None:
    pruner = SplicingPruner({"w": 0.0}, low_mult=0.5, high_mult=1.5, multiplier=0.0)
    # the mean magnitude is 2.5: below 1.25 goes, from 3.75 comes back, between stays as it is
    assert pruner.new_masks(context(w=ROW))["w"].tolist() == [True, True, True, False]
    masked = torch.tensor([False, False, True, False])
    again = pruner.new_masks(context(1, masks={"w": masked}, w=ROW))["w"]
    assert again.tolist() == [True, False, True, False]
    assert pruner.state_dict()["moments"]["w"][0] == 2.5


def test_baidu_s_threshold_rises_with_the_epochs() -> None:
    pruner = BaiduRNNPruner(q=2.0, ramp_epoch_offset=1, ramp_slope_mult=2.0, weights=("w",))
    active = epoch_range(0, 3)
    left = [
        int(pruner.new_masks(context(epoch, active=active, w=ROW))["w"].sum()) for epoch in range(3)
    ]
    # slopes 0.5 and 1: thresholds 0.5, 2 and 3
    assert left == [4, 2, 1]
