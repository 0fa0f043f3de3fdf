"""Fake-quantization modules: the network computes in float what integers would give.

Layers keep their names, classes and parameters: a quantized convolution is still a `nn.Conv3d`
with the same `weight`, and the quantizers are submodules of it. What is quantized how is data (a
plan), applied by one function that training, calibration and the loading of checkpoints share.
When exported, every quantizer becomes a QuantizeLinear and DequantizeLinear pair.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from vcc.models.quantized.arithmetic import (
    ASYMMETRIC_UNSIGNED,
    clipped_activation,
    dequantize,
    ema_step,
    integer_range,
    is_symmetric,
    linear_parameters,
    quantize,
    straight_through,
)
from vcc.models.quantized.onnx_ops import export_pair
from vcc.models.quantized.plan_parts import ActivationPlan, ClipPlan
from vcc.models.quantized.weight import WeightQuantizer


class ActivationQuantizer(nn.Module):
    """Quantizes an activation over a range that it tracks while training, or that is set.

    Until it has seen a range it passes its input on. While training it follows batch minima and
    maxima by an exponential average, unless its range was set.

    Args:
        plan: bits, mode and the decay of the average.
    """

    low: Tensor
    high: Tensor
    ema: Tensor
    steps: Tensor
    export_scale: Tensor
    export_zero: Tensor

    def __init__(self, plan: ActivationPlan) -> None:
        super().__init__()
        self.plan = plan
        self.bits, self.mode, self.decay = plan.bits, plan.mode, plan.decay
        self.observing = False
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))
        self.register_buffer("ema", torch.zeros(2))
        # a float, since DDP broadcasts buffers and averages of weights copy them
        self.register_buffer("steps", torch.zeros(()))
        dtype = torch.uint8 if self.mode == ASYMMETRIC_UNSIGNED else torch.int8
        self.register_buffer("export_scale", torch.ones(()), persistent=False)
        self.register_buffer("export_zero", torch.zeros((), dtype=dtype), persistent=False)
        self._n_steps = 0

    def forward(self, x: Tensor) -> Tensor:
        """Return x, quantized."""
        if torch.compiler.is_exporting():
            return self._exported(x)
        if self.training and self.decay is not None and not self.observing:
            self._track(x.detach())
        if self._n_steps == 0 or self.observing:
            return x
        return self.fake_quantized(x)

    def fake_quantized(self, x: Tensor) -> Tensor:
        """Return x over the range as it is now."""
        scale, zero_point = linear_parameters(self.low, self.high, self.bits, self.mode)
        reach = torch.maximum(self.low.abs(), self.high.abs())
        low, high = (-reach, reach) if is_symmetric(self.mode) else (self.low, self.high)
        x = torch.clamp(x, low, high)
        q = quantize(x.detach(), scale, zero_point).clamp(*integer_range(self.bits, self.mode))
        return straight_through(x, dequantize(q, scale, zero_point))

    def set_range(self, low: float, high: float) -> None:
        """Fix the range, as calibration found it."""
        self.low.fill_(low)
        self.high.fill_(high)
        self.steps.fill_(max(1.0, float(self.steps)))
        self._refresh()

    def train(self, mode: bool = True) -> ActivationQuantizer:
        """Set the mode; in evaluation mode the constants of an export are up to date."""
        super().train(mode)
        if not self.low.is_meta:
            self._refresh()
        return self

    def _track(self, x: Tensor) -> None:
        seen = torch.stack([x.min(), x.max()]).to(self.ema.dtype)
        self.steps += 1
        self._n_steps += 1
        biased, unbiased = ema_step(self.ema, seen, float(self.decay or 0.0), self._n_steps)
        self.ema.copy_(biased)
        self.low.copy_(unbiased[0])
        self.high.copy_(unbiased[1])

    def _refresh(self) -> None:
        self._n_steps = int(self.steps)
        scale, zero_point = linear_parameters(self.low, self.high, self.bits, self.mode)
        self.export_scale = 1 / scale
        self.export_zero = (-zero_point).to(self.export_zero.dtype)

    def _exported(self, x: Tensor) -> Tensor:
        if self._n_steps == 0:
            return x
        if self.bits < 8:
            lowest, highest = integer_range(self.bits, self.mode)
            zero = self.export_zero.to(x.dtype)
            x = x.clamp(self.export_scale * (lowest - zero), self.export_scale * (highest - zero))
        return export_pair(x, self.export_scale, self.export_zero)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        super()._load_from_state_dict(state_dict, prefix, *args)
        if not self.steps.is_meta:
            self._refresh()


class _Quantized(nn.Module):
    """What quantized layers share; the quantizers are submodules or None."""

    input_quantizer: nn.Module | None
    output_quantizer: nn.Module | None
    weight_quantizer: WeightQuantizer | None
    bias_quantizer: WeightQuantizer | None

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output, computed from quantized inputs and weights."""
        if self.input_quantizer is not None:
            x = self.input_quantizer(x)
        weight: Tensor = self.get_parameter("weight")
        bias: Tensor | None = self._parameters.get("bias")
        if self.weight_quantizer is not None:
            weight = self.weight_quantizer(weight)
        if bias is not None and self.bias_quantizer is not None:
            bias = self.bias_quantizer(bias)
        output = self.compute(x, weight, bias)
        if self.output_quantizer is not None:
            output = self.output_quantizer(output)
        return output

    def compute(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return the layer's output for given weights."""
        raise NotImplementedError

    def train(self, mode: bool = True) -> Any:
        """Set the mode; in evaluation mode the constants of an export are up to date."""
        super().train(mode)
        for name in ("weight", "bias"):
            quantizer, tensor = self._modules[f"{name}_quantizer"], self._parameters.get(name)
            if not mode and isinstance(quantizer, WeightQuantizer) and tensor is not None:
                quantizer.refresh(tensor)
        return self


class QuantConv2d(_Quantized, nn.Conv2d):
    """A 2-D convolution with quantizers."""

    def compute(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        output: Tensor = self._conv_forward(x, weight, bias)
        return output


class QuantConv3d(_Quantized, nn.Conv3d):
    """A 3-D convolution with quantizers."""

    def compute(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        output: Tensor = self._conv_forward(x, weight, bias)
        return output


class QuantLinear(_Quantized, nn.Linear):
    """A linear layer with quantizers."""

    def compute(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return nn.functional.linear(x, weight, bias)


class ClippedActivation(nn.Module):
    """Takes a ReLU's place: cut at alpha, rounded to 2^bits - 1 steps of [0, alpha].

    Args:
        plan: bits, the clip to begin with, and whether it is learned.
    """

    alpha: Tensor
    export_scale: Tensor
    export_zero: Tensor

    def __init__(self, plan: ClipPlan) -> None:
        super().__init__()
        self.plan = plan
        self.bits = plan.bits
        alpha = torch.tensor(float(plan.alpha))
        if plan.learned:
            self.clip_val = nn.Parameter(alpha.reshape(1))
        else:
            self.register_buffer("clip_val", alpha.reshape(1))
        self.register_buffer("export_scale", torch.ones(()), persistent=False)
        self.register_buffer("export_zero", torch.zeros((), dtype=torch.uint8), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the quantized activation."""
        if torch.compiler.is_exporting():
            return self._exported(x)
        return clipped_activation(x, self.clip_val, self.bits)

    def train(self, mode: bool = True) -> ClippedActivation:
        """Set the mode; in evaluation mode the constants of an export are up to date."""
        super().train(mode)
        if not mode and not self.clip_val.is_meta:
            self.export_scale = self.clip_val.detach().squeeze() / (2**self.bits - 1)
        return self

    def _exported(self, x: Tensor) -> Tensor:
        top = self.export_scale * (2**self.bits - 1)
        if self.bits > 8:
            return torch.clamp(x, torch.zeros_like(top), top)
        if self.bits < 8:
            x = torch.clamp(x, torch.zeros_like(top), top)
        # Eight bits need no clipping: the integers end at 0 and at alpha.
        return export_pair(x, self.export_scale, self.export_zero)
