"""Weights of one layer of a calibrated network, rounded by the moments of what it reads."""

from __future__ import annotations

import logging

import torch
from torch import Tensor, nn

from vcc.compression.mending.passes import Batches, watch_layer
from vcc.compression.mending.patches import as_matrix, patches
from vcc.compression.mending.rounding import output_error, round_by_moments
from vcc.errors import ScheduleError
from vcc.models.quantized.arithmetic import (
    dequantize,
    integer_range,
    is_symmetric,
    quantize,
    tensor_range,
)
from vcc.models.quantized.plan_parts import RANGE
from vcc.models.quantized.weight import WeightQuantizer

log = logging.getLogger(__name__)

# Positions of a clip that are looked at, per layer: neighbours say much the same.
_POSITIONS = 256
_ROWS = 4096
# Inputs of a filter: moments of 8192 take 0.5 GB, and some seconds to factor.
MOST_INPUTS = 8192


def weight_quantizer(module: nn.Module) -> WeightQuantizer | None:
    """Return the quantizer of a layer's weight, None where there is none with a range."""
    found = module._modules.get("weight_quantizer")
    return found if isinstance(found, WeightQuantizer) and found.kind == RANGE else None


class _Moments:
    """Mean of x x' over the patches of a layer.

    Rows are held until there are enough for a product that keeps the processor busy.
    """

    def __init__(self) -> None:
        self.total: Tensor | None = None
        self.count = 0
        self._held: list[Tensor] = []

    def look(self, layer: nn.Module, read: Tensor, _output: Tensor) -> None:
        quantizer = layer._modules.get("input_quantizer")
        read = read if quantizer is None else quantizer(read)
        self._held.append(patches(layer, read, _POSITIONS).float())
        if sum(rows.shape[1] for rows in self._held) >= _ROWS:
            self._add()

    def mean(self) -> Tensor:
        """Return [groups, inputs, inputs], in double precision, on the CPU."""
        self._add()
        if self.total is None:
            msg = "no calibration clip reached the layer"
            raise ScheduleError(msg)
        return self.total / self.count

    def _add(self) -> None:
        if self._held:
            rows = torch.cat(self._held, dim=1)
            outer = (rows.transpose(1, 2) @ rows).to("cpu", torch.float64)
            self.total = outer if self.total is None else self.total + outer
            self.count += rows.shape[1]
            self._held = []


def round_weight_(
    model: nn.Module, name: str, calls: int, batches: Batches
) -> tuple[float, float] | None:
    """Round a layer's weight in place; return its errors before and now, None where left alone."""
    layer = model.get_submodule(name)
    if as_matrix(layer, layer.get_parameter("weight")).shape[-1] > MOST_INPUTS:
        log.warning("%s: rounded to the nearest: its filters have too many inputs", name)
        return None
    moments = _Moments()
    try:
        watch_layer(model, name, calls, batches, moments.look)
    except ValueError as error:
        log.warning("%s: rounded to the nearest: %s", name, error)
        return None
    quantizer = weight_quantizer(layer)
    return None if quantizer is None else _round_weight_(layer, quantizer, moments.mean())


@torch.no_grad()
def _round_weight_(
    layer: nn.Module, quantizer: WeightQuantizer, moments: Tensor
) -> tuple[float, float] | None:
    weight = layer.get_parameter("weight")
    scale, zero = (
        as_matrix(layer, each.expand(len(weight), *[1] * (weight.dim() - 1)))[..., 0].double().cpu()
        for each in quantizer.parameters_of(weight)
    )
    lowest, highest = integer_range(quantizer.bits, quantizer.mode)

    def snap(column: Tensor) -> Tensor:
        return dequantize(quantize(column, scale, zero).clamp(lowest, highest), scale, zero)

    matrix = as_matrix(layer, weight).double().cpu()
    nearest = as_matrix(layer, quantizer(weight)).double().cpu()
    fixed = as_matrix(layer, _fixed(weight, per_channel=quantizer.per_channel)).cpu()
    rounded = round_by_moments(matrix, moments, snap, fixed)
    square = max(output_error(matrix, moments), torch.finfo(torch.float64).tiny)
    before = output_error(nearest - matrix, moments) / square
    given = weight.clone()
    weight.copy_(_within(weight, rounded.reshape(weight.shape), quantizer))
    now = output_error(as_matrix(layer, quantizer(weight)).double().cpu() - matrix, moments)
    if now / square < before:
        return before, now / square
    weight.copy_(given)
    return None


def _within(weight: Tensor, rounded: Tensor, quantizer: WeightQuantizer) -> Tensor:
    """Return values that are rounded to the same integers and leave the grid as it is.

    The ends of a grid may lie half a step outside of what spans it.
    """
    low, high = tensor_range(weight, per_channel=quantizer.per_channel)
    if is_symmetric(quantizer.mode):
        high = torch.maximum(low.abs(), high.abs())
        low = -high
    return rounded.to(weight).clamp(low.clamp_max(0), high.clamp_min(0))


def _fixed(weight: Tensor, *, per_channel: bool) -> Tensor:
    """Return which weights stay: zeros, that masks made, and those that span the grid."""
    flat = weight.flatten(1) if per_channel else weight.flatten()
    low, high = flat.amin(-1), flat.amax(-1)
    shape = (-1, *[1] * (weight.dim() - 1)) if per_channel else ()
    return (weight == 0) | (weight == low.reshape(shape)) | (weight == high.reshape(shape))
