"""Sparsity by element, filter and channel, counted by hand."""

from __future__ import annotations

import torch
from torch import nn

from vcc.compression.masks.sparsity import (
    share_of_zero_filters,
    share_of_zeros,
    sparsity_table,
    total_sparsity,
)


def network() -> nn.Module:
    """Return a convolution with a dead filter and a dead channel, and a dense linear layer."""
    model = nn.Sequential(nn.Conv3d(2, 4, 1), nn.BatchNorm3d(4), nn.Linear(4, 2))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1.0)
        convolution = model[0]
        assert isinstance(convolution, nn.Conv3d)
        convolution.weight[0] = 0
        convolution.weight[:, 1] = 0
    return model


def test_a_row_counts_elements_filters_and_channels() -> None:
    convolution, linear = sparsity_table(network())
    assert (convolution.name, convolution.shape) == ("0.weight", (4, 2, 1, 1, 1))
    assert (convolution.zeros, convolution.numel, convolution.sparsity) == (5, 8, 0.625)
    assert (convolution.zero_filters, convolution.filter_sparsity) == (1, 0.25)
    assert convolution.channel_sparsity == 0.5
    assert (linear.name, linear.zeros) == ("2.weight", 0)


def test_shares_are_over_all_weights_not_over_layers() -> None:
    rows = sparsity_table(network())
    assert share_of_zeros(rows) == total_sparsity(network()) == 5 / 16
    assert share_of_zero_filters(rows) == 1 / 6


def test_a_network_without_weights_is_not_sparse() -> None:
    assert share_of_zeros([]) == share_of_zero_filters([]) == 0.0
    assert total_sparsity(nn.ReLU()) == 0.0
