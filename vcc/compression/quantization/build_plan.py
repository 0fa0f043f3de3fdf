"""From settings and a network to a plan: which module is quantized to what."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeGuard

from torch import Tensor, nn

from vcc.compression.quantization.overrides import Bits, resolve_bits
from vcc.compression.quantization.placement import Placement, place_quantizers
from vcc.compression.quantization.settings import QuantizerSettings
from vcc.config.overflow import FAST, weight_bits
from vcc.models.layers import is_depthwise
from vcc.models.quantized.arithmetic import SYMMETRIC
from vcc.models.quantized.plan import quantized_class
from vcc.models.quantized.plan_parts import (
    RANGE,
    ActivationPlan,
    ClipPlan,
    LayerPlan,
    QuantizationPlan,
    WeightPlan,
)
from vcc.models.quantized.weight_kinds import WEIGHT_KINDS

log = logging.getLogger(__name__)

# beyond this a float holds the integers no better than the value itself
_AS_GOOD_AS_FLOAT = 16


def linear_plan(
    model: nn.Module, settings: QuantizerSettings, example_input: Tensor
) -> QuantizationPlan:
    """Return the plan of a range-linear quantizer (quantization-aware or post-training).

    `bits_activations` of a layer are those of its input; of the tensors that a sum or
    concatenation reads, those of the layer that makes them or of the block that they enter.

    Args:
        model: the network, BatchNorms folded.
        settings: of the quantizer.
        example_input: a batch that it accepts.
    """
    bits = resolve_bits(model, settings.bits, settings.overrides)
    placement = place_quantizers(model, example_input)
    if not settings.options.get("quantize_inputs", True):
        placement.inputs = placement.inputs[1:]
    layers = {
        name: _layer_plan(name, bits[name], settings, placement)
        for name, module in model.named_modules()
        if quantized_class(module) is not None and _may_quantize(name, settings, placement)
    }
    if settings.by_target and settings.target == "cpu" and settings.overflow == FAST:
        layers |= _zero_centred_depthwise(model, layers, placement)
    first = placement.inputs[0] if placement.inputs else None
    input_bits = settings.options.get("num_bits_inputs")
    if input_bits is not None and first in layers:
        layers[first] = _with_input(layers[first], bits=int(input_bits))
    entries = {
        name: _activation(bits[name], settings)
        for name in placement.entries
        if _counts(bits[name].activations)
    }
    return QuantizationPlan(
        target=settings.target,
        overflow=settings.overflow,
        layers={name: layer for name, layer in layers.items() if layer.parts},
        entries=entries,
    )


def clipped_plan(model: nn.Module, settings: QuantizerSettings) -> QuantizationPlan:
    """Return the plan of a clipped quantizer: DoReFa, WRPN or PACT.

    Weights of convolutions and linear layers, and the outputs of ReLU and ReLU6; a ReLU that is
    used in several places is one quantizer.
    """
    bits = resolve_bits(model, settings.bits, settings.overrides)
    kind, learned = settings.method.weight_kind, settings.method.learns_clips
    layers: dict[str, LayerPlan] = {}
    activations: dict[str, ClipPlan] = {}
    for name, module in model.named_modules():
        width = bits[name].weights
        if quantized_class(module) is not None and _counts(width):
            bias = bits[name].bias
            layers[name] = LayerPlan(
                weight=_clipped_weight(kind, width, settings.overflow),
                bias=WeightPlan(kind=kind, bits=int(bias)) if _counts(bias) else None,
            )
        elif type(module) in (nn.ReLU, nn.ReLU6) and _counts(steps := bits[name].activations):
            extra = bits[name].extra
            alpha = extra.get("act_clip_init_val", settings.options.get("act_clip_init_val", 8.0))
            activations[name] = ClipPlan(
                bits=int(steps), alpha=float(alpha) if learned else 1.0, learned=learned
            )
    return QuantizationPlan(
        target=settings.target,
        overflow=settings.overflow,
        layers=layers,
        activations=activations,
    )


def _clipped_weight(kind: str, bits: int, overflow: str) -> WeightPlan:
    narrows = kind == RANGE or WEIGHT_KINDS.get(kind).narrows
    safe = weight_bits(bits, overflow) if narrows else bits
    return WeightPlan(kind=kind, bits=int(safe), overflow=overflow)


def clip_options(
    name: str, bits: Mapping[str, Bits], settings: QuantizerSettings
) -> dict[str, Any]:
    """Return how the range of an activation quantizer is found, by the name of its module.

    An `input_overrides` entry for input 0 is about the input of the layer, which is what is
    quantized here, and so comes before the layer's own settings.
    """
    owner, _, part = name.rpartition(".")
    chosen = {key: settings.options[key] for key in _CLIP_KEYS if key in settings.options}
    extra = dict(bits[owner].extra) if owner in bits else {}
    chosen |= {key: extra[key] for key in _CLIP_KEYS if key in extra}
    inputs = extra.get("input_overrides")
    if part == "input_quantizer" and isinstance(inputs, Mapping) and inputs:
        first = dict(inputs.get("0", inputs.get(0, {})))
        chosen |= {key: first[key] for key in _CLIP_KEYS if key in first}
    return chosen


_CLIP_KEYS = ("clip_acts", "clip_n_stds", "clip_half_range")


def _zero_centred_depthwise(
    model: nn.Module, layers: Mapping[str, LayerPlan], placement: Placement
) -> dict[str, LayerPlan]:
    """Return depthwise convolutions that read signed values, with integers around zero for them.

    CPU kernels take a depthwise input with another zero point than 0 in float only. Unsigned
    integers have that zero point behind a ReLU, not behind a layer (CSN's 1x1x1 interaction).
    Measured on OpenVINO with VNNI, CSN-50 of full width: 5 % less time so, 14 % with half of the
    filters removed. Not in safe networks: for signed inputs and no VNNI, oneDNN halves the weights
    and rounds them again (seen with its AVX2 kernels: 2 to 7 levels off); in float they are exact.
    """
    return {
        name: _with_input(layers[name], mode=SYMMETRIC)
        for name in placement.signed
        if name in layers and is_depthwise(model.get_submodule(name))
    }


def _with_input(layer: LayerPlan, *, bits: int | None = None, mode: str | None = None) -> LayerPlan:
    """Return a layer with other bits or another mode of its input, if that is quantized."""
    own = layer.input
    if own is None:
        return layer
    return replace(layer, input=replace(own, bits=bits or own.bits, mode=mode or own.mode))


def _layer_plan(
    name: str, bits: Bits, settings: QuantizerSettings, placement: Placement
) -> LayerPlan:
    weight = bias = None
    if _counts(bits.weights):
        weight = WeightPlan(
            kind=RANGE,
            bits=int(weight_bits(bits.weights, settings.overflow)),
            mode=_mode_of(bits, settings.weight_mode, "weights"),
            per_channel=bool(bits.extra.get("per_channel_wts", settings.per_channel)),
        )
    if _counts(bits.bias):
        bias = WeightPlan(kind=RANGE, bits=int(bits.bias), mode=settings.weight_mode)
    activation = _activation(bits, settings) if _counts(bits.activations) else None
    return LayerPlan(
        weight=weight,
        bias=bias,
        input=activation if name in placement.inputs else None,
        output=activation if name in placement.outputs else None,
    )


def _may_quantize(name: str, settings: QuantizerSettings, placement: Placement) -> bool:
    """Return whether a layer runs as a module, and in training only once.

    Ranges are tracked in place, which a second call within one pass would change for the first.
    """
    calls = placement.calls[name]
    if calls == 0 or (calls > 1 and settings.method.tracks_ranges):
        log.warning("%s stays in float: it runs %d times in one pass", name, calls)
        return False
    return True


def _activation(bits: Bits, settings: QuantizerSettings) -> ActivationPlan:
    follows = settings.method.tracks_ranges
    return ActivationPlan(
        bits=int(bits.activations or 0),
        mode=_mode_of(bits, settings.activation_mode, "activations"),
        decay=settings.options.get("ema_decay", 0.999) if follows else None,
    )


def _mode_of(bits: Bits, default: str, key: str) -> str:
    mode = bits.extra.get("mode", default)
    return str(mode.get(key, default)) if isinstance(mode, Mapping) else str(mode)


def _counts(bits: int | None) -> TypeGuard[int]:
    return bits is not None and bits <= _AS_GOOD_AS_FLOAT
