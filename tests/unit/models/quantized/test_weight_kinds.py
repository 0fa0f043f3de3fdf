"""Kinds of weights: what integers hold them, and one that registers from elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from vcc.compression.quantization.build_plan import _clipped_weight
from vcc.errors import ModelError
from vcc.models.quantized.plan_parts import WeightPlan
from vcc.models.quantized.weight import WeightQuantizer
from vcc.models.quantized.weight_kinds import WEIGHT_KINDS, WeightKind, weight_levels

WEIGHT = torch.tensor([-1.0, -0.2, 0.0, 0.3, 1.0])


@pytest.mark.parametrize("kind", WEIGHT_KINDS)
@pytest.mark.parametrize("bits", [2, 4, 7])
def test_integers_times_their_size_are_the_values(kind: str, bits: int) -> None:
    levels, size = weight_levels(WEIGHT, kind, bits)
    assert torch.equal(levels, levels.round())
    assert torch.allclose(levels * size, WEIGHT_KINDS.get(kind).values(WEIGHT, bits), atol=1e-6)


@pytest.mark.parametrize("kind", WEIGHT_KINDS)
def test_at_its_safe_bits_no_integer_is_larger_than_64(kind: str) -> None:
    bits = WEIGHT_KINDS.get(kind).safe_bits
    weight = torch.linspace(-4, 4, 999)
    assert weight_levels(weight, kind, bits)[0].abs().max() <= 64
    assert weight_levels(weight, kind, bits + 1)[0].abs().max() > 64


def _signs(weight: Tensor, bits: int) -> Tensor:
    return torch.where(weight >= 0, 1.0, -1.0)


def _one(weight: Tensor, bits: int, top: int) -> Tensor:
    return weight.new_tensor(1.0)


@pytest.fixture
def signs(monkeypatch: pytest.MonkeyPatch) -> str:
    kinds = {**dict(WEIGHT_KINDS.items()), "signs": WeightKind(values=_signs, size=_one)}
    monkeypatch.setattr(WEIGHT_KINDS, "_parts", kinds)
    return "signs"


def test_another_one_is_computed_planned_and_read_back(signs: str) -> None:
    plan = _clipped_weight(signs, 8, "safe")
    assert plan == WeightPlan(kind=signs, bits=7, overflow="safe")
    assert WeightPlan.from_json(plan.to_json(), "weight") == plan
    quantizer = WeightQuantizer(plan)
    assert quantizer(WEIGHT).tolist() == [-1, -1, 1, 1, 1]
    assert quantizer.is_safe()
    quantizer.refresh(WEIGHT)
    assert quantizer.export_levels.tolist() == [-1, -1, 1, 1, 1]


def test_what_nobody_registered_is_refused() -> None:
    plan: dict[str, Any] = {"kind": "signs", "bits": 2}
    with pytest.raises(ModelError, match=r"'signs': range, dorefa or wrpn is wanted"):
        WeightPlan.from_json(plan, "weight")
