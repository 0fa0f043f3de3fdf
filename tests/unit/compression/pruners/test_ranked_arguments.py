"""A target tells a ranked pruner's arguments how many filters of a group go."""

from __future__ import annotations

import pytest

from vcc.compression.pruners.by_weights import (
    Bernoulli,
    L1Ranked,
    L1RankedRamp,
    RandomLevel,
    RandomRanked,
)
from vcc.errors import ScheduleError

GROUP = ("a.weight", "b.weight")


def test_a_constant_share_becomes_the_group_s() -> None:
    own = L1Ranked(
        weights=["kind:conv"],
        group_type="Filters",
        desired_sparsity=0.9,
        group_size=4,
        rounding_fn="ceil",
        ranking="global",
        most_per_layer=0.5,
        noise=0.25,
    )
    told = own.directed(GROUP, 0.5)
    assert (told.weights, told.desired_sparsity) == (GROUP, 0.5)
    assert (told.group_dependency, told.ranking, told.most_per_layer) == ("Coupled", "layer", None)
    assert told.counting() == {"group_size": 1, "rounding": "floor"}
    # what ranks them stays
    assert told.noise == 0.25


def test_a_ramp_still_rises() -> None:
    own = L1RankedRamp(
        weights=["kind:conv"], group_type="Filters", initial_sparsity=0.3, final_sparsity=0.9
    )
    told = own.directed(GROUP, 0.1)
    assert (told.initial_sparsity, told.final_sparsity) == (0.05, 0.1)


@pytest.mark.parametrize("group_type", ["Channels", "TemporalSlices"])
def test_only_filters_are_filters(group_type: str) -> None:
    own = L1Ranked(weights=["a"], group_type=group_type, desired_sparsity=0.5)
    assert not own.ranks_filters()
    assert RandomRanked(weights=["a"], desired_sparsity=0.5).ranks_filters()


def test_chance_cannot_be_told_a_share() -> None:
    assert RandomRanked.can_be_directed
    assert not Bernoulli.can_be_directed
    assert not RandomLevel.can_be_directed


def test_blocks_need_a_shape() -> None:
    with pytest.raises(ScheduleError, match="group_type Blocks needs kwargs"):
        L1Ranked(weights=["a"], group_type="Blocks", desired_sparsity=0.5)
    own = L1Ranked(
        weights=["a"],
        group_type="Blocks",
        desired_sparsity=0.5,
        kwargs={"block_shape": [2, 1, 1, 1]},
    )
    assert own.block_shape() == (2, 1, 1, 1)
