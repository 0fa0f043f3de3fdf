"""Masks on a network that no mask store watches."""

from __future__ import annotations

import torch
from torch import nn

from vcc.compression.masks.apply import mask_parameters_


def test_parameters_are_masked_in_place_and_others_stay() -> None:
    net = nn.Linear(2, 2).double()
    nn.init.ones_(net.weight)
    nn.init.ones_(net.bias)
    weight = net.weight
    column = torch.tensor([[True], [False]])
    mask_parameters_(net, {"weight": column, "bias": None, "head.weight": column})
    assert net.weight is weight
    assert net.weight.tolist() == [[1, 1], [0, 0]]
    assert net.bias.tolist() == [1, 1]
    assert net.weight.requires_grad
    assert net.weight.grad_fn is None


def test_tied_parameters_are_masked_under_either_name() -> None:
    net = nn.Sequential(nn.Linear(1, 2), nn.Linear(1, 2))
    net[1].weight = net[0].weight
    nn.init.ones_(net[0].weight)
    mask_parameters_(net, {"1.weight": torch.tensor([[0], [1]])})
    assert net[0].weight.flatten().tolist() == [0, 1]
