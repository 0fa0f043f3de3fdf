"""Patches are what filters are multiplied with: as a matrix product they give the outputs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vcc.compression.mending.patches import as_matrix, patches
from vcc.models.kernels import shrink_kernel

LAYERS = [
    nn.Conv3d(4, 6, 3, padding=1, stride=(1, 2, 2)),
    nn.Conv3d(4, 6, (3, 1, 1), padding=(2, 0, 0), dilation=(2, 1, 1)),
    nn.Conv3d(4, 4, 3, padding=1, groups=4),
    nn.Conv3d(4, 6, 1, groups=2),
]


@pytest.mark.parametrize("layer", LAYERS)
def test_they_give_the_outputs_of_a_convolution(layer: nn.Conv3d) -> None:
    clip = torch.randn(2, 4, 5, 6, 6, generator=torch.Generator().manual_seed(0))
    rows = patches(layer, clip, most=10**6)
    products = rows @ as_matrix(layer, layer.weight.detach()).transpose(1, 2)
    outputs = nn.functional.conv3d(
        clip, layer.weight, None, layer.stride, layer.padding, layer.dilation, layer.groups
    )
    wanted = outputs.detach().movedim(1, -1).reshape(-1, layer.groups, products.shape[-1])
    torch.testing.assert_close(products.transpose(0, 1), wanted, atol=1e-5, rtol=1e-5)


def test_a_kernel_cut_in_time_has_its_own_padding() -> None:
    layer = nn.Conv3d(2, 3, 3, padding=1, bias=False)
    shrink_kernel(layer, 1, 3)
    layer.weight = nn.Parameter(layer.weight.detach()[:, :, 1:3].clone())
    clip = torch.randn(1, 2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    products = patches(layer, clip, 10**6) @ as_matrix(layer, layer.weight).transpose(1, 2)
    wanted = layer(clip).movedim(1, -1).reshape(1, -1, 3)
    torch.testing.assert_close(products, wanted, atol=1e-5, rtol=1e-5)


def test_a_layer_in_two_dimensions_and_a_linear_one() -> None:
    image = nn.Conv2d(3, 4, 3, padding=1)
    assert patches(image, torch.randn(2, 3, 4, 4), 10**6).shape == (1, 32, 27)
    assert patches(nn.Linear(7, 2), torch.randn(5, 3, 7), 10**6).shape == (1, 15, 7)
    assert as_matrix(nn.Linear(7, 2), torch.zeros(2, 7)).shape == (1, 2, 7)


def test_at_most_so_many_spread_over_all() -> None:
    layer = nn.Conv3d(1, 1, 1)
    clip = torch.arange(100.0).reshape(1, 1, 1, 10, 10)
    assert patches(layer, clip, 4).flatten().tolist() == [0, 33, 66, 99]


def test_other_padding_is_refused() -> None:
    with pytest.raises(ValueError, match="no fixed number of zeros"):
        patches(
            nn.Conv3d(1, 1, 3, padding=1, padding_mode="circular"), torch.zeros(1, 1, 3, 3, 3), 9
        )
