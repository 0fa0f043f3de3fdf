"""Quantizers put in, and taken out where a layer then computes something else."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import nn

from vcc.compression.quantization import checked_plan
from vcc.compression.quantization.checked_plan import apply_plan_checked
from vcc.models.quantized.modules import QuantLinear
from vcc.models.quantized.plan import quantizers_by_layer
from vcc.models.quantized.plan_parts import LayerPlan, QuantizationPlan, WeightPlan

PLAN = QuantizationPlan(
    layers={name: LayerPlan(weight=WeightPlan(kind="range", bits=8)) for name in ("0", "1")}
)


def test_a_plan_that_fits_is_applied_whole(caplog: pytest.LogCaptureFixture) -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    apply_plan_checked(model, PLAN, torch.zeros(2, 3))
    assert set(quantizers_by_layer(model)) == {"0", "1"}
    assert not caplog.messages


def test_only_the_layer_that_changes_stays_in_float(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    plain = model[1]

    def differs(_: object, made: nn.Module) -> str:
        return "its outputs differ" if isinstance(made[1], QuantLinear) else ""  # type: ignore[index]

    monkeypatch.setattr(checked_plan, "_differs", differs)
    with caplog.at_level(logging.WARNING):
        apply_plan_checked(model, PLAN, torch.zeros(2, 3))
    assert model[1] is plain
    assert isinstance(model[0], QuantLinear)
    assert caplog.messages == ["1 stays in float: quantized, its outputs differ"]


def test_quantizers_are_off_while_layers_are_compared() -> None:
    # Two bits change every answer; the exchange of the modules does not.
    plan = QuantizationPlan(layers={"0": LayerPlan(weight=WeightPlan(kind="range", bits=2))})
    model = nn.Sequential(nn.Linear(3, 3))
    x = torch.randn(2, 3)
    before = model(x)
    apply_plan_checked(model, plan, torch.zeros(2, 3))
    assert set(quantizers_by_layer(model)) == {"0"}
    assert not torch.allclose(model(x), before, atol=1e-3)
