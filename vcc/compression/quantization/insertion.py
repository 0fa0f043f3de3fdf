"""Quantizers into a network: fold, plan, apply, calibrate."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from vcc.compression.channels.batchnorms import following_batchnorms
from vcc.compression.quantization.build_plan import clip_options, linear_plan
from vcc.compression.quantization.checked_plan import apply_plan_checked
from vcc.compression.quantization.clipping import ActivationStats, clip_range
from vcc.compression.quantization.folding import fold_batchnorms_checked
from vcc.compression.quantization.overrides import resolve_bits
from vcc.compression.quantization.ranges import share_ranges
from vcc.compression.quantization.settings import QuantizerSettings
from vcc.compression.quantization.statistics import (
    Batches,
    collect_statistics,
    load_statistics,
    tensor_stats,
)
from vcc.errors import ScheduleError
from vcc.models.quantized.modules import ActivationQuantizer
from vcc.models.quantized.plan import activation_quantizers
from vcc.models.quantized.weight import WeightQuantizer

log = logging.getLogger(__name__)

Calibration = Callable[[], Batches]


def insert_quantizers(model: nn.Module, settings: QuantizerSettings, example_input: Tensor) -> None:
    """Quantize a network in place, for training or for calibration, as the quantizer's class does.

    Args:
        model: the network.
        settings: of a schedule's quantizer.
        example_input: a batch that it accepts.
    """
    settings.method.insert(model, settings, example_input)


def insert_by_ranges(model: nn.Module, settings: QuantizerSettings, example_input: Tensor) -> None:
    """Fold BatchNorms, and insert range-linear quantizers in place.

    Args:
        model: the network.
        settings: of a range-linear quantizer.
        example_input: a batch that it accepts.
    """
    followers = following_batchnorms(model, example_input)
    folded = fold_batchnorms_checked(model, followers, example_input)
    log.info("folded %d BatchNorms", len(folded))
    apply_plan_checked(model, linear_plan(model, settings, example_input), example_input)
    if settings.options.get("also_clip_weights"):
        _limit_weights(model, settings)


def calibrate(
    model: nn.Module, settings: QuantizerSettings, batches: Calibration | None
) -> dict[str, ActivationStats]:
    """Set the ranges of a network's activation quantizers from calibration batches.

    Args:
        model: with quantizers inserted.
        settings: clip modes; `model_activation_stats` may name a file of statistics instead.
        batches: returns the calibration batches, the same each time; from training clips.

    Returns:
        The statistics that were collected (or read), by name of quantizer.

    Raises:
        ScheduleError: neither batches nor statistics, or statistics that lack a layer.
    """
    quantizers = activation_quantizers(model)
    path = settings.options.get("model_activation_stats")
    if path and Path(str(path)).is_file():
        stats = _stats_by_quantizer(load_statistics(Path(str(path))), quantizers)
    else:
        if path:
            log.warning("%s: no such file; statistics are collected instead", path)
        stats = _observed(model, quantizers, batches)
    bits = resolve_bits(model, settings.bits, settings.overrides)
    for name, quantizer in quantizers.items():
        if name not in stats:
            msg = f"no statistics for {name}: the calibration batches never ran it"
            raise ScheduleError(msg)
        options = clip_options(name, bits, settings)
        low, high = clip_range(
            stats[name],
            str(options.get("clip_acts", "NONE")),
            bits=quantizer.bits,
            mode=quantizer.mode,
            n_stds=options.get("clip_n_stds"),
            half_range=bool(options.get("clip_half_range")) and stats[name].minimum >= 0,
        )
        quantizer.set_range(low, high)
    share_ranges(model)
    return stats


def _observed(
    model: nn.Module, quantizers: Mapping[str, ActivationQuantizer], batches: Calibration | None
) -> dict[str, ActivationStats]:
    if batches is None:
        msg = (
            "post-training quantization needs calibration batches: give file_config a "
            "calibration, or name a file in model_activation_stats"
        )
        raise ScheduleError(msg)
    for quantizer in quantizers.values():
        quantizer.observing = True
    try:
        return collect_statistics(model, quantizers, batches)
    finally:
        for quantizer in quantizers.values():
            quantizer.observing = False


def _stats_by_quantizer(
    stats: Mapping[str, ActivationStats], quantizers: Mapping[str, ActivationQuantizer]
) -> dict[str, ActivationStats]:
    """Return statistics by quantizer, from those of quantizers or of layers and blocks."""
    found = {}
    for name in quantizers:
        owner, _, part = name.rpartition(".")
        by_owner = f"{owner}.output" if part == "output_quantizer" else owner
        if name in stats or by_owner in stats:
            found[name] = stats[name] if name in stats else stats[by_owner]
    return found


def _limit_weights(model: nn.Module, settings: QuantizerSettings) -> None:
    clip = str(settings.options.get("clip_acts", "NONE"))
    for name, module in model.named_modules():
        if isinstance(module, WeightQuantizer) and name.endswith("weight_quantizer"):
            weight = model.get_parameter(name.replace("weight_quantizer", "weight")).detach()
            stats = tensor_stats(weight)
            low, high = clip_range(
                stats,
                clip,
                bits=module.bits,
                mode="SYMMETRIC",
                n_stds=settings.options.get("clip_n_stds"),
            )
            limit = max(abs(low), abs(high), float(torch.finfo(torch.float32).tiny))
            module.plan = replace(module.plan, limit=limit)
