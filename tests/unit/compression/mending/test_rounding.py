"""Rounding by moments: better outputs than the nearest values give, on the same grid."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vcc.compression.mending.rounding import output_error, round_by_moments

STEP = 0.5


def snap(values: Tensor) -> Tensor:
    return torch.round(values / STEP) * STEP


def correlated(n_inputs: int, groups: int = 1) -> Tensor:
    """Return moments of inputs that share most of what they are."""
    made = torch.Generator().manual_seed(1)
    common = torch.randn(groups, 500, 2, generator=made, dtype=torch.float64)
    mixed = common @ torch.randn(groups, 2, n_inputs, generator=made, dtype=torch.float64)
    rows = mixed + 0.1 * torch.randn(mixed.shape, generator=made, dtype=torch.float64)
    return rows.transpose(1, 2) @ rows / 500


def weights(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def none_fixed(weight: Tensor) -> Tensor:
    return torch.zeros_like(weight, dtype=torch.bool)


def test_outputs_err_less_on_the_same_grid() -> None:
    weight, moments = weights(3, 8, 150), correlated(150, groups=3)
    rounded = round_by_moments(weight, moments, snap, none_fixed(weight))
    assert torch.equal(rounded, snap(rounded))
    nearest = output_error(snap(weight) - weight, moments)
    assert output_error(rounded - weight, moments) < 0.1 * nearest


def test_inputs_that_have_nothing_in_common_are_rounded_to_the_nearest() -> None:
    weight = weights(1, 4, 20)
    alone = torch.eye(20, dtype=torch.float64).unsqueeze(0)
    assert torch.equal(round_by_moments(weight, alone, snap, none_fixed(weight)), snap(weight))


def test_what_is_fixed_stays_itself() -> None:
    weight = weights(1, 4, 20)
    fixed = none_fixed(weight)
    fixed[:, :, ::3] = True
    rounded = round_by_moments(weight, correlated(20), snap, fixed)
    assert torch.equal(rounded[fixed], weight[fixed])
    assert torch.equal(rounded[~fixed], snap(rounded[~fixed]))


def test_inputs_that_are_always_zero_do_no_harm() -> None:
    weight, moments = weights(1, 4, 20), correlated(20)
    moments[:, 5], moments[:, :, 5] = 0, 0
    assert bool(round_by_moments(weight, moments, snap, none_fixed(weight)).isfinite().all())
    nothing = torch.zeros_like(moments)
    assert torch.equal(round_by_moments(weight, nothing, snap, none_fixed(weight)), snap(weight))


def test_the_error_is_that_of_the_outputs() -> None:
    rows = torch.randn(1, 30, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    moments = rows.transpose(1, 2) @ rows / 30
    weight = weights(1, 2, 5)
    outputs = rows @ weight.transpose(1, 2)
    assert output_error(weight, moments) == pytest.approx(float(outputs.square().sum(dim=2).mean()))
