"""A layer's BatchNorm is the one that reads its output, and that nothing else reads."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vcc.compression.channels.batchnorms import (
    batchnorm_folded,
    computes_as,
    following_batchnorms,
)


class Other(nn.Conv2d):
    """A convolution that computes something else."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 1


class Named(nn.Conv2d):
    """A convolution under another name."""


class Branches(nn.Module):
    """One convolution is read by its BatchNorm alone, one by a sum too, one is changed before."""

    def __init__(self) -> None:
        super().__init__()
        self.alone, self.shared = nn.Conv2d(1, 2, 1), Named(2, 2, 1)
        self.changed, self.other = nn.Conv2d(2, 2, 1), Other(2, 2, 1)
        self.bn_alone, self.bn_shared = nn.BatchNorm2d(2), nn.BatchNorm2d(2)
        self.bn_changed, self.bn_other = nn.BatchNorm2d(2), nn.BatchNorm2d(2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn_alone(self.alone(x))
        y = self.shared(x)
        x = self.bn_shared(y) + y
        x = self.bn_changed(self.changed(x).mul_(2))
        return self.bn_other(self.other(x))  # type: ignore[no-any-return]


def test_only_an_undivided_pair_is_one() -> None:
    model = Branches()
    model.train()
    before = {name: value.clone() for name, value in model.named_buffers()}
    assert following_batchnorms(model, torch.randn(2, 1, 3, 3)) == {"alone": "bn_alone"}
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.named_buffers())
    assert not any(module._forward_hooks for module in model.modules())


def test_a_layer_that_runs_twice_has_none() -> None:
    conv, bn = nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)
    assert following_batchnorms(nn.Sequential(conv, bn), torch.ones(1, 1, 2, 2)) == {"0": "1"}
    assert following_batchnorms(nn.Sequential(conv, bn, conv, bn), torch.ones(1, 1, 2, 2)) == {}


@pytest.mark.parametrize(("shape", "pairs"), [((4, 3), {"0": "1"}), ((4, 2, 3), {})])
def test_a_linear_layer_s_rows_are_normalised_without_a_further_dimension(
    shape: tuple[int, ...], pairs: dict[str, str]
) -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    assert following_batchnorms(model, torch.randn(shape)) == pairs


def test_a_class_computes_as_its_base_unless_it_says_otherwise() -> None:
    assert computes_as(Named(1, 1, 1), nn.Conv2d)
    assert not computes_as(Other(1, 1, 1), nn.Conv2d)
    assert not computes_as(nn.Conv3d(1, 1, 1), nn.Conv2d)


def test_filters_are_scaled_by_gamma_over_the_deviation() -> None:
    batchnorm = nn.BatchNorm2d(2, eps=0.0)
    with torch.no_grad():
        batchnorm.weight.copy_(torch.tensor([2.0, -3.0]))
    batchnorm.running_var = torch.tensor([4.0, 9.0])
    weight = torch.ones(2, 1, 1, 1)
    assert batchnorm_folded(weight, batchnorm).flatten().tolist() == [1.0, -1.0]
    plain = nn.BatchNorm2d(2, eps=0.0, affine=False)
    plain.running_var = torch.tensor([4.0, 0.25])
    assert batchnorm_folded(weight, plain).flatten().tolist() == [0.5, 2.0]
    untracked = nn.BatchNorm2d(2, track_running_stats=False)
    assert batchnorm_folded(weight, untracked) is weight
