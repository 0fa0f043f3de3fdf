"""Structures that stay above a threshold, by each criterion."""

from __future__ import annotations

import pytest
import torch

from vcc.compression.masks.group_thresholds import group_threshold_mask, structure_measure

WEIGHT = torch.tensor([[3.0, -4.0], [0.0, 1.0]])


@pytest.mark.parametrize(
    ("criterion", "measures"),
    [
        ("Max", [4.0, 1.0]),
        ("L1", [7.0, 1.0]),
        ("L2", [5.0, 1.0]),
        ("Mean_Abs", [3.5, 0.5]),
        ("Mean_L1", [3.5, 0.5]),
        ("Mean_L2", [2.5, 0.5]),
    ],
)
def test_a_row_is_measured_as_the_criterion_says(criterion: str, measures: list[float]) -> None:
    assert structure_measure(WEIGHT, "Rows", criterion).tolist() == measures


def test_the_whole_tensor_is_a_group_of_single_weights() -> None:
    assert structure_measure(WEIGHT, "4D", "L1").shape == ()
    assert float(structure_measure(WEIGHT, "4D", "L1")) == 8.0


def test_a_measure_at_the_threshold_goes() -> None:
    mask = group_threshold_mask(WEIGHT, "Rows", 1.0, "L1")
    assert mask.tolist() == [[True, True], [False, False]]


def test_a_sum_of_groups_keeps_what_each_keeps() -> None:
    mask = group_threshold_mask(WEIGHT, "Rows+Cols", 3.0, "L1")
    # the second row goes (1), the first column goes (3), the second column (5) stays
    assert mask.tolist() == [[False, True], [False, False]]
