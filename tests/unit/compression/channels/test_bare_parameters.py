"""Which dimension of a parameter has an entry for each channel, found by running."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from networks.reshaping import RESHAPING
from networks.styles import CLIP, Styled, conv, styled
from torch import Tensor, nn

from vcc.compression.channels.bare_parameters import Place, bare_parameters, places_of_parameters


def with_parameter(shape: tuple[int, ...], use: Callable[[Tensor, Tensor], Tensor]) -> nn.Module:
    def join(net: nn.Module, x: Tensor) -> Tensor:
        return net.fc(net.b(use(net.a(x), net.p)).mean((2, 3, 4)))

    net = Styled(join, a=conv(3), b=conv(8), fc=nn.Linear(8, 3))
    net.p = nn.Parameter(torch.rand(shape))
    return net.eval()


@pytest.mark.parametrize(
    ("shape", "dim"),
    [
        ((8, 1, 1, 1), 0),
        ((1, 8, 2, 8, 8), 1),
        # as wide as there are channels, but along a side of the picture
        ((8, 1), None),
        ((1, 2, 1, 1), None),
    ],
)
def test_a_factor_lies_along_channels_or_reaches_all(
    shape: tuple[int, ...], dim: int | None
) -> None:
    net = with_parameter(shape, torch.mul)
    assert places_of_parameters(net, torch.randn(CLIP)) == (Place("p", dim),)


def test_of_an_entry_for_several_channels_nothing_is_said() -> None:
    net = with_parameter((4, 1, 1, 1), lambda x, p: x * torch.cat([p, p]))
    assert places_of_parameters(net, torch.randn(CLIP)) == ()


def test_a_single_number_has_no_channels() -> None:
    net = styled("scale_of_all", RESHAPING)
    assert [name for name, _ in bare_parameters(net)] == ["p"]
    assert places_of_parameters(net, torch.randn(CLIP)) == ()


def test_parameters_of_layers_and_parametrizations_are_none_of_them() -> None:
    assert not list(bare_parameters(styled("spectral_norm", RESHAPING)))
    assert not list(bare_parameters(styled("group_norm")))


def test_the_network_stays_as_it_is() -> None:
    net = styled("layer_scale").train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}

    places_of_parameters(net, torch.randn(CLIP))

    assert net.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert not any(module._forward_pre_hooks for module in net.modules())
