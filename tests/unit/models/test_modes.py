"""Each module gets its own mode back, however the block ends."""

from __future__ import annotations

import pytest
from torch import nn

from vcc.models.modes import evaluating


def partly_frozen() -> nn.Module:
    net = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.BatchNorm1d(1), nn.Dropout()))
    net.train()
    net[1][0].eval()
    return net


def modes(net: nn.Module) -> list[bool]:
    return [module.training for module in net.modules()]


def test_a_frozen_module_stays_frozen() -> None:
    net = partly_frozen()
    before = modes(net)
    assert len(set(before)) == 2
    with evaluating(net):
        assert not any(modes(net))
    assert modes(net) == before


def test_an_error_restores_them_too() -> None:
    net = partly_frozen()
    before = modes(net)
    with pytest.raises(KeyError), evaluating(net):
        raise KeyError
    assert modes(net) == before
