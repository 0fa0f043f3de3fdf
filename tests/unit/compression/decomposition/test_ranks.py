"""Ranks by number, share, energy and cost, computed by hand."""

from __future__ import annotations

import pytest
import torch

from vcc.compression.decomposition.ranks import (
    LayerChoice,
    RankRule,
    choose_ranks,
    kept_energy,
    rank_of_energy,
)
from vcc.errors import ScheduleError

# squares 16, 4, 4, 1 of 25
VALUES = torch.tensor([4.0, 2.0, 2.0, 1.0])


def layer(values: torch.Tensor = VALUES, *, macs: int = 100, per_rank: int = 30) -> LayerChoice:
    return LayerChoice(spectra=(values,), cost=lambda ranks: ranks[0] * per_rank, macs=macs)


def pair() -> LayerChoice:
    return LayerChoice(
        spectra=(VALUES[:2], VALUES), cost=lambda ranks: ranks[0] * ranks[1], macs=100
    )


def chosen(rule: RankRule, one: LayerChoice, *, cheaper: bool = False) -> tuple[int, ...]:
    return choose_ranks(rule, {"a": one}, cheaper=cheaper)["a"]


@pytest.mark.parametrize(
    ("energy", "rank"), [(0.64, 1), (0.65, 2), (0.8, 2), (0.81, 3), (0.96, 3), (0.97, 4), (1.0, 4)]
)
def test_energy_is_the_share_of_squares(energy, rank):
    assert rank_of_energy(VALUES, energy) == rank
    assert kept_energy(VALUES, rank) >= energy


def test_zeros_need_one_rank_and_keep_all():
    assert rank_of_energy(torch.zeros(3), 1.0) == 1
    assert kept_energy(torch.zeros(3), 1) == 1.0


@pytest.mark.parametrize(
    ("rule", "rank"),
    [
        (RankRule(rank=(3,)), 3),
        (RankRule(rank=(9,)), 4),
        (RankRule(share=0.5), 2),
        (RankRule(share=0.51), 3),
        (RankRule(share=0.01), 1),
        (RankRule(share=1.0), 4),
        (RankRule(energy=0.9), 3),
    ],
)
def test_a_rule_gives_a_rank(rule, rank):
    assert chosen(rule, layer()) == (rank,)


def test_noise_keeps_what_stands_out_of_it():
    values = torch.tensor([50.0, 40.0, *[1.0] * 30])
    seen = LayerChoice(spectra=(values,), cost=lambda ranks: ranks[0], macs=100, longer=(64,))
    assert chosen(RankRule(noise=True), seen) == (2,)


def test_one_number_stands_for_all_ranks_of_a_form():
    assert chosen(RankRule(rank=(3,)), pair()) == (2, 3)
    assert chosen(RankRule(rank=(1, 4)), pair()) == (1, 4)
    with pytest.raises(ScheduleError, match="a: 2 ranks are given where its form has 1"):
        chosen(RankRule(rank=(1, 4)), layer())


def test_a_rank_is_lowered_until_it_pays():
    assert chosen(RankRule(rank=(4,)), layer(), cheaper=True) == (3,)
    assert chosen(RankRule(rank=(2,)), layer(), cheaper=True) == (2,)
    assert chosen(RankRule(rank=(4,)), layer(per_rank=1000), cheaper=True) == (1,)


def test_a_cost_is_met_with_the_same_energy_everywhere():
    # of one dominant direction and of equal ones
    layers = {"steep": layer(torch.tensor([9.0, 1.0, 1.0, 1.0])), "flat": layer(torch.ones(4))}
    ranks = choose_ranks(RankRule(macs=0.75), layers, cheaper=False)

    assert sum(layers[name].cost(found) for name, found in ranks.items()) <= 150
    assert ranks == {"steep": (1,), "flat": (4,)}


def test_a_cost_that_full_rank_meets_keeps_it():
    assert chosen(RankRule(macs=1.0), layer(per_rank=25)) == (4,)


def test_a_cost_below_rank_one_is_told():
    with pytest.raises(ScheduleError, match="macs 0.2 cannot be met: rank 1 .* leaves 0.3"):
        chosen(RankRule(macs=0.2), layer())


@pytest.mark.parametrize("given", [{}, {"rank": (1,), "macs": 0.5}])
def test_one_rule_is_needed(given):
    with pytest.raises(ScheduleError, match="one rule of ranks"):
        RankRule(**given)
