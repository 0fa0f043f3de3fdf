"""Layers go back to the parameters that they had in float, and forth again."""

from __future__ import annotations

import torch
from mending_toys import calibrated
from torch import nn

from vcc.compression.mending.parameters import FloatParameters, Precisions
from vcc.models.quantized.plan import quantizers_by_layer


def test_float_has_its_own_parameters_and_integers_theirs() -> None:
    model, _ = calibrated()
    floats = FloatParameters(model, ["first"])
    layer = model.get_submodule("first")
    before = layer.get_parameter("weight").detach().clone()
    with torch.no_grad():
        layer.get_parameter("weight").mul_(2)
    precisions = Precisions(model, floats)

    precisions.to_float("first")
    assert torch.equal(layer.get_parameter("weight"), before)
    assert "first" not in quantizers_by_layer(model)

    precisions.to_integers("first")
    assert torch.equal(layer.get_parameter("weight"), 2 * before)
    assert "first" in quantizers_by_layer(model)


def test_what_is_not_held_stays() -> None:
    model, _ = calibrated()
    precisions = Precisions(model)
    before = {name: each.clone() for name, each in model.named_parameters()}
    for name in precisions.layers:
        precisions.to_float(name)
    assert not quantizers_by_layer(model)
    assert all(torch.equal(before[name], each) for name, each in model.named_parameters())
    assert isinstance(model.get_submodule("last"), nn.Linear)
