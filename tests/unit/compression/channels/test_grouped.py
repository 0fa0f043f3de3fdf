"""Grouped convolutions lose as many channels of each group: the last removable ones stay."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vcc.compression.channels.grouped import (
    equalised,
    grouped_sides,
    input_indices,
    is_grouped,
)
from vcc.compression.channels.trace import trace_channels


@pytest.fixture(scope="module")
def groups() -> tuple[object, ...]:
    """Six channels between two layers, read by two groups of three; then four, written so."""
    model = nn.Sequential(
        nn.Conv2d(1, 6, 1), nn.ReLU(), nn.Conv2d(6, 4, 1, groups=2), nn.ReLU(), nn.Conv2d(4, 1, 1)
    )
    return trace_channels(model, torch.zeros(1, 1, 2, 2))


def test_which_convolutions_are_grouped() -> None:
    assert is_grouped(nn.Conv3d(4, 4, 1, groups=2))
    assert not is_grouped(nn.Conv3d(4, 4, 1, groups=4))
    assert not is_grouped(nn.Conv3d(4, 4, 1))
    assert not is_grouped(nn.Linear(4, 4))


def test_both_sides_know_the_group_of_each_channel(groups) -> None:  # type: ignore[no-untyped-def]
    sides = grouped_sides(groups)
    assert [(side.runs.tolist(), side.n_runs) for side in sides] == [
        ([0, 0, 0, 1, 1, 1], 2),
        ([0, 0, 1, 1], 2),
    ]
    # Channels are numbered through all groups: six, then four.
    assert sides[0].channels.tolist() == [0, 1, 2, 3, 4, 5]
    assert sides[1].channels.tolist() == [6, 7, 8, 9]


@pytest.mark.parametrize(
    ("removed", "expected"),
    [
        ([1, 1, 0, 0, 0, 1], [1, 0, 0, 0, 0, 1]),
        ([1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]),
        ([0, 1, 1, 1, 0, 1], [0, 1, 1, 1, 0, 1]),
    ],
)
def test_what_one_group_loses_alone_stays(groups, removed, expected) -> None:  # type: ignore[no-untyped-def]
    given = [torch.tensor(removed).bool(), torch.zeros(4).bool(), torch.zeros(1).bool()]
    found = equalised(groups, given)
    assert found[0].int().tolist() == expected
    assert not found[1].any()
    # What was given stays as it is.
    assert given[0].int().tolist() == removed


def test_columns_are_numbered_within_their_group() -> None:
    conv = nn.Conv2d(6, 4, 1, groups=2)
    assert input_indices(conv, torch.tensor([0, 2, 3, 4])).tolist() == [[0, 2], [0, 1]]
    assert equalised([], []) == []
