"""A weight as linear quantization defines it, step by step: what quantizers are compared with."""

from __future__ import annotations

from torch import Tensor

from vcc.models.quantized.arithmetic import (
    dequantize,
    integer_range,
    linear_parameters,
    quantize,
    straight_through,
    tensor_range,
)


def fake_quantize_weight(weight: Tensor, bits: int, mode: str, *, per_channel: bool) -> Tensor:
    """Return a weight quantized over its own range, straight through."""
    low, high = tensor_range(weight.detach(), per_channel=per_channel)
    scale, zero_point = linear_parameters(low, high, bits, mode)
    q = quantize(weight.detach(), scale, zero_point).clamp(*integer_range(bits, mode))
    return straight_through(weight, dequantize(q, scale, zero_point))
