"""Scores of filters become those of coupled channels, and channels that go, filters."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vcc.compression.channels.filters import (
    filter_members,
    filters_kept,
    first_scored,
    group_scores,
    weakest_of_all,
)
from vcc.compression.channels.trace import ChannelGroup, trace_channels


class Sum(nn.Module):
    """Two layers of four filters that are added, one of two filters, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 4, 1), nn.Conv2d(1, 4, 1)
        self.norm = nn.BatchNorm2d(4)
        self.c = nn.Conv2d(4, 2, 1)
        self.head = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.head(self.c(self.norm(self.a(x) + self.b(x))).flatten(1))
        return result


@pytest.fixture(scope="module")
def groups() -> tuple[ChannelGroup, ...]:
    return trace_channels(Sum().eval(), torch.zeros(1, 1, 1, 1))


A, B, C = (torch.tensor(values) for values in ([1.0, 2, 3, 4], [9.0, 0, 1, 4], [2.5, 8]))
SCORES = {"a.weight": A, "b.weight": B, "c.weight": C}


def test_filters_are_those_of_layers_that_make_channels(groups: tuple[ChannelGroup, ...]) -> None:
    assert [[m.name for m in filter_members(group)] for group in groups] == [["a", "b"], ["c"], []]
    assert [first_scored(group, SCORES) for group in groups] == ["a.weight", "c.weight", ""]
    assert first_scored(groups[0], {"b.weight": B}) == "b.weight"


def test_a_channel_s_score_is_the_mean_of_those_that_there_are(
    groups: tuple[ChannelGroup, ...],
) -> None:
    assert group_scores(groups[0], SCORES).tolist() == [5.0, 1.0, 2.0, 4.0]
    assert group_scores(groups[0], {"b.weight": B}).tolist() == B.tolist()
    assert group_scores(groups[2], SCORES).tolist() == [0.0, 0.0]


def test_all_of_a_group_s_filters_lose_what_it_loses(groups: tuple[ChannelGroup, ...]) -> None:
    dead = [torch.tensor([False, True, True, False]), torch.zeros(2).bool(), torch.ones(2).bool()]
    kept = filters_kept(groups, dead, {"a.weight", "c.weight", "head.weight"})
    assert {name: keep.tolist() for name, keep in kept.items()} == {
        "a.weight": [True, False, False, True],
        "c.weight": [True, True],
    }


@pytest.mark.parametrize(
    ("fraction", "most", "expected"),
    [
        (0.5, 1.0, [[False, True, True, False], [True, False]]),
        # Of the two left over none may be the last of its group.
        (1.0, 1.0, [[False, True, True, True], [True, False]]),
        (1.0, 0.25, [[False, True, False, False], [False, False]]),
        (0.0, 1.0, [[False] * 4, [False] * 2]),
    ],
)
def test_the_weakest_of_all_groups_go(
    groups: tuple[ChannelGroup, ...], fraction: float, most: float, expected: list[list[bool]]
) -> None:
    found = weakest_of_all(groups, SCORES, fraction, most_per_layer=most)
    assert [dead.tolist() for dead in found] == [*expected, [False, False]]


def test_groups_without_scores_stay_and_others_may_be_rescaled(
    groups: tuple[ChannelGroup, ...],
) -> None:
    found = weakest_of_all(groups, {"c.weight": C}, 0.5, adapt=lambda scores: -scores)
    assert [dead.tolist() for dead in found[:2]] == [[False] * 4, [False, True]]
