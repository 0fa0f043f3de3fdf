"""3D SqueezeNet: fire modules, and logits that are never below zero."""

from __future__ import annotations

import pytest
import torch
from shapes import count, shaped, shapes_of
from torch import nn

from vcc.models import build_model
from vcc.models.networks.squeezenet import Fire


@pytest.mark.parametrize(
    ("version", "stem", "places"), [(1.0, 96, (1, 4, 4)), (1.1, 64, (1, 4, 4))]
)
def test_versions_differ_in_stem_and_pooling(
    version: float, stem: int, places: tuple[int, ...]
) -> None:
    network = shaped("squeezenet", version=version)
    assert count(network, Fire) == 8
    assert count(network, nn.MaxPool3d) == 4
    shapes = shapes_of(network, ("features.0", "features"))
    assert shapes == [(stem, 16, 56, 56), (512, *places), (2, 7)]
    last = [type(module) is Fire for module in network.get_submodule("features")][-2:]
    # Behind the seventh fire module in 1.0, behind the sixth in 1.1.
    assert last == ([False, True] if version == 1.0 else [True, True])


@pytest.mark.parametrize("use_bypass", [False, True])
def test_a_bypass_adds_the_input(use_bypass: bool) -> None:
    fire = Fire(8, 2, 4, use_bypass=use_bypass).eval()
    for parameter in fire.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(1, 8, 2, 3, 3)
    assert torch.equal(fire(x), x.relu() if use_bypass else torch.zeros_like(x))


def test_no_logit_is_below_zero() -> None:
    network = build_model("squeezenet", n_classes=4, width_mult=0.25).eval()
    logits = network(torch.randn(2, 3, 4, 32, 32))
    assert logits.shape == (2, 4)
    assert logits.min() >= 0
