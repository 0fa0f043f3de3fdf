"""Norms over channels that lost channels of zeros compute what they did with them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vcc.errors import ModelError
from vcc.models.norms import (
    ThinnedGroupNorm,
    ThinnedLayerNorm,
    apply_norms,
    read_norms,
    thinned_norm,
)

KEPT = torch.tensor([0, 1, 4, 6])
FEWER = torch.tensor([1, 3])


def trained(norm: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    return norm.double()


def without(norm: nn.Module, kept: Tensor) -> nn.Module:
    """Return a norm that was cut to some channels, as thinning does it."""
    for name, parameter in list(norm.named_parameters()):
        setattr(norm, name, nn.Parameter(parameter.detach()[kept]))
    return thinned_norm(norm, kept)


@pytest.mark.parametrize("kept", [KEPT, torch.tensor([4, 5, 6, 7]), torch.tensor([5])])
def test_groups_may_lose_different_numbers_and_all(kept: Tensor) -> None:
    norm = trained(nn.GroupNorm(4, 8))
    x = torch.randn(2, 8, 3, 4, 4, dtype=torch.float64)
    gone = torch.ones(8, dtype=torch.bool)
    gone[kept] = False
    x[:, gone] = 0
    expected = norm(x)[:, kept]
    assert torch.allclose(without(norm, kept)(x[:, kept]), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
def test_layers(bias: bool) -> None:
    norm = trained(nn.LayerNorm(8, bias=bias))
    x = torch.zeros(2, 3, 8, dtype=torch.float64)
    x[..., KEPT] = torch.randn(2, 3, 4, dtype=torch.float64)
    expected = norm(x)[..., KEPT]
    assert torch.allclose(without(norm, KEPT)(x[..., KEPT]), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", [lambda: nn.GroupNorm(2, 8), lambda: nn.LayerNorm(8)])
def test_what_is_left_can_lose_more(make: object) -> None:
    norm = trained(make())  # type: ignore[operator]
    x = torch.zeros(2, 8, dtype=torch.float64)
    x[:, KEPT[FEWER]] = torch.randn(2, 2, dtype=torch.float64)
    expected = norm(x)[:, KEPT[FEWER]]
    twice = without(without(norm, KEPT), FEWER)
    assert torch.allclose(twice(x[:, KEPT[FEWER]]), expected, rtol=0, atol=1e-12)


def network() -> nn.Sequential:
    return nn.Sequential(nn.GroupNorm(4, 8), nn.LayerNorm(8), nn.GroupNorm(1, 8))


def test_a_record_rebuilds_them() -> None:
    first, second = network(), network()
    for name in ("0", "1"):
        first.set_submodule(name, without(first.get_submodule(name), KEPT))

    apply_norms(second, read_norms(first) or {})

    assert read_norms(network()) is None
    assert isinstance(second[0], ThinnedGroupNorm)
    assert second[0].groups == (0, 0, 2, 3)
    assert isinstance(second[1], ThinnedLayerNorm)
    assert type(second[2]) is nn.GroupNorm
    second.load_state_dict(first.state_dict())
    x = torch.randn(2, 4)
    assert torch.equal(first[:2](x), second[:2](x))


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"9": {"width": 2, "groups": [0]}}, "'9' is not in the network"),
        ({"0": {"width": 2}}, "'0': 'groups'"),
        ({"0": {"width": 2, "groups": [1, 0]}}, "is no record of channels"),
        ({"1": {"width": 2, "channels": 0}}, "is no record of channels"),
    ],
)
def test_a_record_that_does_not_fit_is_an_error(record: dict[str, object], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        apply_norms(network(), record)
