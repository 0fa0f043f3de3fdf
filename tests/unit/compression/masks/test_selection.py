"""Counts and keep masks: exactly as many go as were asked for, ties included."""

from __future__ import annotations

import pytest
import torch

from vcc.compression.masks.selection import (
    count_for_level,
    count_structures,
    keep_above,
    keep_highest,
    keep_highest_of_all,
    keep_level,
    keep_window,
)


@pytest.mark.parametrize(("level", "n", "pruned"), [(0.5, 5, 2), (0.99, 3, 2), (1.0, 3, 3)])
def test_a_level_counts_downwards(level: float, n: int, pruned: int) -> None:
    assert count_for_level(level, n) == pruned


@pytest.mark.parametrize(
    ("fraction", "group_size", "rounding", "pruned"),
    [
        (0.5, 1, "floor", 5),
        (0.55, 1, "ceil", 6),
        (0.55, 1, "floor", 5),
        (0.5, 2, "floor", 4),
        # never all, unless all were asked for
        (0.99, 1, "ceil", 9),
        (1.0, 1, "floor", 10),
        (0.0, 1, "floor", 0),
    ],
)
def test_structures_go_in_whole_groups(
    fraction: float, group_size: int, rounding: str, pruned: int
) -> None:
    assert count_structures(10, fraction, group_size=group_size, rounding=rounding) == pruned


def test_of_ties_the_first_go() -> None:
    scores = torch.tensor([2.0, 1.0, 1.0, 1.0])
    assert keep_highest(scores, 2).tolist() == [True, False, False, True]


@pytest.mark.parametrize(("n_pruned", "kept"), [(-1, 4), (0, 4), (3, 1), (4, 0), (9, 0)])
def test_the_count_is_exact_at_the_ends(n_pruned: int, kept: int) -> None:
    assert int(keep_highest(torch.ones(2, 2), n_pruned).sum()) == kept


def test_a_window_holds_the_middle_and_the_highest_sum() -> None:
    assert keep_window(torch.tensor([9.0, 1.0, 1.0, 1.0, 1.0]), 2).tolist() == [
        True, True, True, False, False,
    ]  # fmt: skip
    # the first three have the highest sum, but the middle of seven is the fourth
    window = keep_window(torch.tensor([9.0, 9.0, 9.0, 0.0, 0.0, 0.0, 1.0]), 4)
    assert window.tolist() == [False, True, True, True, False, False, False]


def test_equal_scores_leave_an_even_window() -> None:
    assert keep_window(torch.ones(5), 2).tolist() == [False, True, True, True, False]
    assert keep_window(torch.ones(3), 3).tolist() == [False, False, False]
    assert keep_window(torch.ones(3), 0).tolist() == [True, True, True]


def test_layers_are_ranked_together_within_their_floor() -> None:
    weak, strong = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([5.0, 6.0, 7.0, 8.0])
    free = keep_highest_of_all([weak, strong], 0.5)
    # one structure always stays
    assert [keep.tolist() for keep in free] == [[False] * 3 + [True], [False] + [True] * 3]
    held = keep_highest_of_all([weak, strong], 0.5, most_per_layer=0.5)
    assert [int((~keep).sum()) for keep in held] == [2, 2]


def test_thresholds_are_exclusive_and_levels_exact() -> None:
    weight = torch.tensor([-2.0, 1.0, 0.5, -0.1])
    assert keep_above(weight, 1.0).tolist() == [True, False, False, False]
    assert keep_level(weight, 0.5).tolist() == [True, True, False, False]
