"""The quantizer of weights and biases."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vcc.config.overflow import INT8_BITS, INT8_TOP, SAFE, SAFE_BITS, SAFE_TOP
from vcc.models.quantized.arithmetic import (
    ASYMMETRIC_UNSIGNED,
    dequantize,
    integer_range,
    linear_parameters,
    quantize,
    straight_through,
    tensor_range,
)
from vcc.models.quantized.onnx_ops import dequantized
from vcc.models.quantized.plan_parts import RANGE, WeightPlan
from vcc.models.quantized.weight_kinds import WEIGHT_KINDS, weight_levels


class WeightQuantizer(nn.Module):
    """Quantizes a weight over its own range, or by one of `WEIGHT_KINDS`.

    Exported, a weight of at most 8 bits is its integers and a DequantizeLinear; the float weight
    is not in the file. A wider one is the constant that it was rounded to.

    Args:
        plan: how; calibration may put a limit on it.
    """

    export_levels: Tensor
    export_scale: Tensor
    export_zero: Tensor

    def __init__(self, plan: WeightPlan) -> None:
        super().__init__()
        self.plan = plan
        self.kind, self.bits, self.mode = plan.kind, plan.bits, plan.mode
        self.per_channel = plan.per_channel
        self.top = SAFE_TOP if plan.overflow == SAFE else INT8_TOP
        dtype = torch.uint8 if self.mode == ASYMMETRIC_UNSIGNED else torch.int8
        self.register_buffer("export_levels", torch.zeros(0, dtype=dtype), persistent=False)
        self.register_buffer("export_scale", torch.ones(1), persistent=False)
        self.register_buffer("export_zero", torch.zeros(1, dtype=dtype), persistent=False)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight, quantized."""
        if torch.compiler.is_exporting():
            return self._exported()
        if self.kind != RANGE:
            return self._clipped(weight)
        scale, zero_point = self.parameters_of(weight.detach())
        q = quantize(weight.detach(), scale, zero_point).clamp(*integer_range(self.bits, self.mode))
        return straight_through(weight, dequantize(q, scale, zero_point))

    def _clipped(self, weight: Tensor) -> Tensor:
        values = WEIGHT_KINDS.get(self.kind).values(weight, self.bits)
        if self.top == INT8_TOP or self.bits > INT8_BITS:
            return values
        levels, size = weight_levels(weight.detach(), self.kind, self.bits, top=self.top)
        return straight_through(values, levels * size)

    def is_safe(self) -> bool:
        """Return whether no integer that it may export is larger than 64 in size."""
        if self.bits > INT8_BITS or self.top < INT8_TOP:
            return True
        safe_bits = SAFE_BITS if self.kind == RANGE else WEIGHT_KINDS.get(self.kind).safe_bits
        return self.bits <= safe_bits

    def parameters_of(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return (scale, zero point) for a weight as it is now."""
        low, high = tensor_range(weight, per_channel=self.per_channel)
        limit = self.plan.limit
        if limit is not None:
            low, high = low.clamp_min(-limit), high.clamp_max(limit)
        return linear_parameters(low, high, self.bits, self.mode)

    @torch.no_grad()
    def refresh(self, weight: Tensor) -> None:
        """Bring the constants of an export up to date."""
        if weight.is_meta:
            return
        if self.bits > 8:
            self.export_levels = self(weight.detach()).clone()
            return
        if self.kind != RANGE:
            levels, size = weight_levels(weight.detach(), self.kind, self.bits, top=self.top)
            self.export_levels = levels.to(torch.int8)
            self.export_scale, self.export_zero = size, torch.zeros_like(size, dtype=torch.int8)
            return
        scale, zero_point = self.parameters_of(weight.detach())
        shape = (-1,) if self.per_channel else ()
        dtype = self.export_zero.dtype
        q = quantize(weight.detach(), scale, zero_point).clamp(*integer_range(self.bits, self.mode))
        self.export_levels = q.to(dtype)
        self.export_scale = (1 / scale).reshape(shape)
        self.export_zero = (-zero_point).reshape(shape).to(dtype)

    def _exported(self) -> Tensor:
        if self.bits > 8:
            return self.export_levels
        axis = 0 if self.per_channel else None
        return dequantized(self.export_levels, self.export_scale, self.export_zero, axis=axis)
