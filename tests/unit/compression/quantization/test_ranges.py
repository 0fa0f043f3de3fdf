"""Every process quantizes by the ranges of the first."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vcc.compression.quantization import ranges
from vcc.compression.quantization.ranges import share_ranges
from vcc.models.quantized.plan import activation_quantizers, apply_plan
from vcc.models.quantized.plan_parts import ActivationPlan, LayerPlan, QuantizationPlan


def network() -> nn.Sequential:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    part = LayerPlan(input=ActivationPlan(bits=8, decay=0.9))
    apply_plan(model, QuantizationPlan(layers={"0": part, "1": part}))
    return model


def test_all_that_is_tracked_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []

    def from_rank_zero(values: list[Tensor]) -> None:
        seen.extend(values)
        for value in values:
            value.fill_(3.0)

    monkeypatch.setattr(ranges, "tensors_from_rank_zero", from_rank_zero)
    model = network()
    share_ranges(model)
    assert len(seen) == 2 * 4
    for quantizer in activation_quantizers(model).values():
        assert quantizer.ema.tolist() == [3.0, 3.0]
        assert [quantizer.low, quantizer.high, quantizer.steps] == [3.0] * 3


def test_a_network_without_quantizers_and_a_lone_process_share_nothing() -> None:
    share_ranges(nn.Linear(2, 2))
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    share_ranges(model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
