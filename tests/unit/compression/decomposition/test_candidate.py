"""A layer's form: its predicted cost, its bias, and what the report says of it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vcc.compression.decomposition.candidate import LayerCandidate


def test_costs_are_counted_by_hand():
    # 6 frames of 8x8 -> 6 of 4x4 in space, then 3 in time
    layer = nn.Conv3d(3, 10, (3, 3, 3), stride=(2, 2, 2), padding=1)
    candidate = LayerCandidate(layer, "spatial_temporal", (2, 3, 6, 8, 8), moments={})

    assert candidate.choice.macs == 10 * 3 * 27 * (3 * 4 * 4)
    spatial, temporal = 3 * 4 * 9 * (6 * 4 * 4), 4 * 10 * 3 * (3 * 4 * 4)
    assert candidate.cost((4,)) == spatial + temporal


def test_costs_of_tucker_and_of_linear_layers():
    layer = nn.Conv3d(8, 6, 3, padding=1)
    candidate = LayerCandidate(layer, "tucker2", (1, 8, 2, 4, 4), moments={})
    assert candidate.cost((3, 2)) == 32 * (8 * 3 + 3 * 2 * 27 + 2 * 6)

    candidate = LayerCandidate(nn.Linear(8, 6), "low_rank", (4, 8), moments={})
    assert candidate.choice.macs == 48
    assert candidate.cost((2,)) == 28


def test_the_form_has_the_layers_bias_type_and_mode_of_training():
    layer = nn.Conv3d(2, 4, 3).double()
    layer.weight.requires_grad_(False)
    candidate = LayerCandidate(layer, "low_rank", (1, 2, 3, 4, 4), moments={})

    made = candidate.made((2,))

    assert made[1].bias is layer.bias
    assert made[0].weight.dtype == torch.float64
    assert not made[0].weight.requires_grad
    row = candidate.row("a", made, 0.25)
    assert (row.ranks, row.full, row.output_error) == ((2,), (4,), 0.25)
    assert row.energy == pytest.approx(1 - row.weight_error**2)


def test_a_layer_that_could_not_be_observed_says_so():
    layer = nn.Conv3d(2, 4, 3)
    candidate = LayerCandidate(layer, "low_rank", (1, 2, 3, 4, 4), moments={}, data_aware=True)
    assert "by its weight" in candidate.row("a", candidate.made((1,)), 0.0).note


def test_what_watches_the_layer_is_not_called():
    layer = nn.Linear(4, 4)
    calls = []
    layer.register_forward_hook(lambda *_: calls.append(1))
    LayerCandidate(layer, "low_rank", (1, 4), moments={})
    assert not calls
