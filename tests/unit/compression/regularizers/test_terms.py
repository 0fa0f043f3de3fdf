"""Terms of the loss and what they threshold, by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vcc.compression.regularizers.terms import (
    GroupLassoRegularizer,
    GroupVarianceRegularizer,
    L1Regularizer,
    L2Regularizer,
    Regularizer,
    channel_norms,
)

WEIGHT = torch.tensor([[3.0, -4.0], [0.0, 1.0]])


@pytest.mark.parametrize(
    ("regularizer", "term"),
    [
        (L1Regularizer({"w": 0.5}), 4.0),
        (L2Regularizer({"w": 0.5}), 13.0),
        # rows have norms 5 and 1
        (GroupLassoRegularizer({"w": (0.5, "Rows")}), 3.0),
        (GroupLassoRegularizer({"w": (0.5, "Rows+Rows")}), 6.0),
        (GroupLassoRegularizer({"w": (0.5, "4D")}), 0.5 * 26**0.5),
        (GroupLassoRegularizer({"w": (0.5, "2D")}), 4.0),
        # channels have norms 3 and the root of 17; the unbiased variance of two is d^2 / 2
        (GroupVarianceRegularizer({"w": (0.5, "Channels")}), 1 / (17**0.5 - 3) ** 2),
    ],
)
def test_a_term_is_strength_times_size(regularizer: Regularizer, term: float) -> None:
    assert regularizer.targets == ("w",)
    assert float(regularizer.loss("w", WEIGHT)) == pytest.approx(term, rel=1e-5)
    total = regularizer.total({"w": nn.Parameter(WEIGHT), "other": nn.Parameter(WEIGHT)})
    assert float(total) == pytest.approx(term, rel=1e-5)


def test_what_is_not_above_the_strength_is_dropped() -> None:
    assert L1Regularizer({"w": 1.0}, "any").keep("w", WEIGHT).tolist() == [
        [True, True],
        [False, False],
    ]
    lasso = GroupLassoRegularizer({"w": (3.0, "Cols")}, "Max")
    assert lasso.keep("w", WEIGHT).tolist() == [[False, True], [False, True]]
    assert bool(GroupVarianceRegularizer({"w": (1.0, "Channels")}).keep("w", WEIGHT).all())


@pytest.mark.parametrize("group", ["Filters", "Channels", "2D", "4D"])
def test_a_group_of_zeros_has_a_finite_gradient(group: str) -> None:
    weight = nn.Parameter(torch.zeros(2, 2, 1, 1, 1))
    GroupLassoRegularizer({"w": (1.0, group)}).loss("w", weight).backward()
    assert weight.grad is not None
    assert bool(weight.grad.isfinite().all())


def test_channels_are_the_second_dimension() -> None:
    assert channel_norms(WEIGHT).tolist() == pytest.approx([3.0, 17**0.5])
