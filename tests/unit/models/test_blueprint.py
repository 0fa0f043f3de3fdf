"""Networks of shapes only."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vcc.models.blueprint import blueprint


def test_what_is_built_inside_has_shapes_and_no_memory() -> None:
    with blueprint():
        # A thousand gigabytes, were it real.
        layer = nn.Linear(500_000, 500_000)
        nn.init.kaiming_normal_(layer.weight)
        nn.init.zeros_(tensor=layer.bias)
        layer.weight.data.normal_().fill_(1.0)
    assert layer.weight.is_meta
    assert layer.weight.shape == (500_000, 500_000)


def test_afterwards_all_is_as_before() -> None:
    def fail() -> None:
        raise EOFError

    with pytest.raises(EOFError), blueprint():
        fail()
    layer = nn.Linear(2, 2)
    nn.init.ones_(layer.weight)
    assert layer.weight.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert torch.zeros(2).device.type == "cpu"


def test_tensors_still_compute_their_shapes() -> None:
    with blueprint():
        network = nn.Sequential(nn.Conv3d(3, 4, 3), nn.BatchNorm3d(4), nn.Flatten())
        out = network(torch.zeros(2, 3, 3, 4, 5))
    assert out.shape == (2, 4 * 1 * 2 * 3)
