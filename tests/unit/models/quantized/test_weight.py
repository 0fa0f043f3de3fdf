"""The quantizer of weights: what it computes, and the constants that it exports."""

from __future__ import annotations

import pytest
import torch

from vcc.config.overflow import FAST, SAFE
from vcc.models.quantized.arithmetic import ASYMMETRIC_UNSIGNED, SYMMETRIC
from vcc.models.quantized.plan_parts import WeightPlan
from vcc.models.quantized.weight import WeightQuantizer

WEIGHT = torch.tensor([[-1.0, 0.26, 0.5], [0.02, -0.01, 0.004]])


def quantizer(kind: str = "range", bits: int = 8, **changes: object) -> WeightQuantizer:
    return WeightQuantizer(WeightPlan(kind=kind, bits=bits, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", [SYMMETRIC, ASYMMETRIC_UNSIGNED])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("bits", [4, 8])
def test_a_weight_is_rounded_to_steps_of_its_range(mode: str, per_channel: bool, bits: int) -> None:
    quantize = quantizer(bits=bits, mode=mode, per_channel=per_channel)
    out = quantize(WEIGHT)
    for rows in (out, WEIGHT), *(zip(out, WEIGHT, strict=True) if per_channel else ()):
        span = 2 * rows[1].abs().max()
        assert (rows[0] - rows[1]).abs().max() <= span / (2**bits - 2) / 2 + 1e-6


def test_a_row_of_its_own_keeps_small_weights() -> None:
    together = quantizer(bits=4)(WEIGHT)[1]
    apart = quantizer(bits=4, per_channel=True)(WEIGHT)[1]
    assert not together.any()
    assert apart.tolist() == pytest.approx(WEIGHT[1].tolist(), abs=0.002)


def test_gradients_pass_straight_through() -> None:
    weight = WEIGHT.clone().requires_grad_()
    quantizer(bits=2)(weight).sum().backward()
    assert weight.grad is not None
    assert weight.grad.unique().tolist() == [1.0]


def test_a_limit_cuts_the_range() -> None:
    limited = quantizer(limit=0.5)(WEIGHT)
    assert limited.abs().max().item() == pytest.approx(0.5, rel=0.01)


# DoReFa's odd integers of 8 bits are more than int8 holds, which takes the nearest.
@pytest.mark.parametrize(
    ("kind", "bits"),
    [
        ("range", 2),
        ("range", 4),
        ("range", 8),
        ("dorefa", 2),
        ("dorefa", 7),
        ("wrpn", 2),
        ("wrpn", 7),
    ],
)
@pytest.mark.parametrize("per_channel", [False, True])
def test_exported_constants_are_what_was_computed(kind: str, bits: int, per_channel: bool) -> None:
    quantize = quantizer(kind, bits, per_channel=per_channel and kind == "range")
    quantize.refresh(WEIGHT)
    scale, zero = quantize.export_scale, quantize.export_zero
    if scale.numel() > 1:
        scale, zero = scale[:, None], zero[:, None]
    exported = (quantize.export_levels.float() - zero.float()) * scale
    assert torch.allclose(exported, quantize(WEIGHT), atol=1e-6)
    assert quantize.export_levels.dtype == torch.int8


def test_more_than_eight_bits_are_exported_as_they_are() -> None:
    quantize = quantizer(bits=12)
    quantize.refresh(WEIGHT)
    assert torch.equal(quantize.export_levels, quantize(WEIGHT))


def test_a_network_without_data_has_no_constants() -> None:
    quantize = quantizer()
    quantize.refresh(WEIGHT.to("meta"))
    assert quantize.export_levels.numel() == 0
    assert not quantize.state_dict()


@pytest.mark.parametrize(
    ("kind", "bits", "overflow", "safe"),
    [
        ("range", 8, FAST, False),
        ("range", 7, FAST, True),
        ("range", 9, FAST, True),
        ("dorefa", 7, FAST, False),
        ("dorefa", 6, FAST, True),
        ("wrpn", 7, FAST, True),
        ("dorefa", 8, SAFE, True),
        ("wrpn", 8, SAFE, True),
    ],
)
def test_safe_integers_are_at_most_64_in_size(
    kind: str, bits: int, overflow: str, safe: bool
) -> None:
    quantize = quantizer(kind, bits, overflow=overflow)
    assert quantize.is_safe() is safe
    if safe and bits <= 8:
        quantize.refresh(WEIGHT)
        assert quantize.export_levels.int().abs().max() <= 64
