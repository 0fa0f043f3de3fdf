"""Layers cut to the channels that stay, with the optimizer's state."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vcc.compression.thinning.slicing import LayerCut, apply_cuts_, kept_indices, slice_tensor
from vcc.models.layers import ChannelPad, ChannelShuffle


def numbers(*values: int) -> Tensor:
    return torch.tensor(values)


def test_a_broadcast_dimension_stays_whole() -> None:
    tensor = torch.arange(6.0).reshape(2, 3)
    assert slice_tensor(tensor, {1: numbers(0, 2)}).tolist() == [[0.0, 2.0], [3.0, 5.0]]
    assert slice_tensor(tensor[:1], {0: numbers(1), 1: numbers(2)}).tolist() == [[2.0]]


def test_each_group_keeps_its_own_columns() -> None:
    tensor = torch.arange(8.0).reshape(4, 2)
    kept = {1: torch.tensor([[0], [1]])}
    assert slice_tensor(tensor, kept).tolist() == [[0.0], [2.0], [5.0], [7.0]]


@pytest.mark.parametrize("bias", [False, True])
def test_two_layers_cut_alike_compute_what_the_masked_ones_did(bias: bool) -> None:
    net = nn.Sequential(nn.Conv3d(2, 4, 1, bias=bias), nn.BatchNorm3d(4), nn.Conv3d(4, 3, 1)).eval()
    gone, kept = [1, 3], numbers(0, 2)
    with torch.no_grad():
        net[2].weight[:, gone] = 0.0
    x = torch.randn(2, 2, 2, 3, 3)
    expected = net(x)
    cuts = {"0": LayerCut(outputs=kept), "1": LayerCut(outputs=kept), "2": LayerCut(inputs=kept)}
    changed = apply_cuts_(net, cuts)
    assert torch.allclose(net(x), expected, atol=1e-6)
    assert (net[0].out_channels, net[1].num_features, net[2].in_channels) == (2, 2, 2)
    assert set(changed["2.weight"]) == {1}
    assert ("0.bias" in changed) is bias
    assert "1.num_batches_tracked" not in changed


def test_indices_are_told_without_cutting() -> None:
    net = nn.Sequential(nn.Linear(3, 4))
    kept = kept_indices(net, {"0": LayerCut(outputs=numbers(1))})
    assert {
        name: {dim: each.tolist() for dim, each in cut.items()} for name, cut in kept.items()
    } == {
        "0.weight": {0: [1]},
        "0.bias": {0: [1]},
    }
    assert net[0].weight.shape == (4, 3)


def test_gradients_and_momentum_go_with_the_weights() -> None:
    layer = nn.Linear(3, 4)
    net = nn.Sequential(layer)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    old = layer.weight
    momentum = optimizer.state[old]["momentum_buffer"].clone()
    apply_cuts_(net, {"0": LayerCut(outputs=numbers(0, 3))}, optimizer)
    assert layer.weight is not old
    assert old not in optimizer.state
    assert torch.equal(optimizer.state[layer.weight]["momentum_buffer"], momentum[[0, 3]])
    assert layer.weight.grad is not None
    assert layer.weight.grad.shape == (2, 3)
    (group,) = optimizer.param_groups
    assert [each.shape[0] for each in group["params"]] == [2, 2]


def test_a_frozen_weight_stays_frozen() -> None:
    net = nn.Sequential(nn.Linear(3, 4))
    net[0].weight.requires_grad_(False)
    apply_cuts_(net, {"0": LayerCut(outputs=numbers(0))})
    assert not net[0].weight.requires_grad


def test_a_depthwise_convolution_loses_its_filters_alone() -> None:
    net = nn.Sequential(nn.Conv3d(4, 4, 3, groups=4))
    kept = numbers(1, 2, 3)
    apply_cuts_(net, {"0": LayerCut(outputs=kept, inputs=kept)})
    assert net[0].weight.shape == (3, 1, 3, 3, 3)
    assert (net[0].in_channels, net[0].out_channels, net[0].groups) == (3, 3, 3)


def test_slices_of_time_shorten_the_kernel() -> None:
    net = nn.Sequential(nn.Conv3d(1, 1, 3, padding=1))
    apply_cuts_(net, {"0": LayerCut(slices=numbers(1, 2))})
    assert net[0].weight.shape == (1, 1, 2, 3, 3)
    assert net[0].kernel_size == (2, 3, 3)
    assert net(torch.zeros(1, 1, 4, 4, 4)).shape == (1, 1, 4, 4, 4)


def test_pads_and_shuffles_agree_with_what_is_left() -> None:
    pad, shuffle = ChannelPad(2, 4), ChannelShuffle(4, 2)
    net = nn.Sequential(pad, shuffle)
    apply_cuts_(
        net, {"0": LayerCut(outputs=numbers(1, 3)), "1": LayerCut(outputs=numbers(0, 1, 3))}
    )
    assert (pad.n_in, pad.n_out) == (1, 2)
    # Of channels 0, 2, 1, 3 the first, second and fourth stay, and are numbered anew.
    assert list(shuffle.order) == [0, 1, 2]
