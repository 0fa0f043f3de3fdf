"""Pruners of single weights: magnitude, level, sensitivity, AGP, splicing, Baidu."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vcc.compression.masks.selection import keep_above, keep_level
from vcc.compression.pruners.base import PruneContext, Pruner
from vcc.compression.pruners.ramps import agp_sparsity, baidu_threshold, splicing_sensitivity


class MagnitudePruner(Pruner):
    """Prunes weights at or below a fixed magnitude.

    Args:
        thresholds: parameter name -> magnitude.
    """

    def __init__(self, thresholds: Mapping[str, float]) -> None:
        self.thresholds = dict(thresholds)

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.thresholds)

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        return {
            name: keep_above(context.weight(name), threshold)
            for name, threshold in self.thresholds.items()
        }


class LevelPruner(Pruner):
    """Prunes int(level * numel) weights of least magnitude.

    Args:
        levels: parameter name -> share in 0..1; one that prunes no weight leaves the mask.
    """

    def __init__(self, levels: Mapping[str, float]) -> None:
        self.levels = dict(levels)

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.levels)

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        return _level_masks(context, self.levels)

    def state_dict(self) -> dict[str, Any]:
        # a policy's levels stay in force after its epochs, for other policies of the same pruner
        return {"levels": dict(self.levels)}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self.levels = dict(saved["levels"])


class AutomatedGradualPruner(Pruner):
    """Level pruning whose level follows the AGP ramp.

    Args:
        initial_sparsity: level in the first active epoch.
        final_sparsity: level in the last active epoch.
        weights: parameter names.
    """

    def __init__(
        self, *, initial_sparsity: float, final_sparsity: float, weights: tuple[str, ...]
    ) -> None:
        self.initial_sparsity = initial_sparsity
        self.final_sparsity = final_sparsity
        self._weights = weights

    @property
    def targets(self) -> tuple[str, ...]:
        return self._weights

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        level = agp_sparsity(
            context.epoch, context.active, initial=self.initial_sparsity, final=self.final_sparsity
        )
        return _level_masks(context, dict.fromkeys(self._weights, level))


class SensitivityPruner(Pruner):
    """Prunes weights at or below s * std(w) (Han et al. 2015).

    The unbiased std is taken once, at the first visit, and saved with the state.

    Args:
        sensitivities: parameter name -> s.
    """

    def __init__(self, sensitivities: Mapping[str, float]) -> None:
        self.sensitivities = dict(sensitivities)
        self.stds: dict[str, float] = {}

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.sensitivities)

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        masks = {}
        for name, sensitivity in self.sensitivities.items():
            weight = context.weight(name)
            if weight.numel() < 2:
                # one element has no standard deviation
                continue
            std = self.stds.setdefault(name, float(weight.std()))
            masks[name] = keep_above(weight, sensitivity * std)
        return masks

    def state_dict(self) -> dict[str, Any]:
        return {"stds": dict(self.stds)}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self.stds = dict(saved["stds"])


class SplicingPruner(Pruner):
    """Prunes below a low threshold, revives from a high one, and keeps the mask in between.

    T = mean + s * std of |w|, taken once; low = T * low_mult, high = T * high_mult (Guo et al.
    2016, dynamic network surgery). Pruned weights can grow back with mask_on_forward_only only.

    Args:
        sensitivities: parameter name -> s.
        low_mult: factor of the low threshold.
        high_mult: factor of the high threshold.
        multiplier: growth of s per epoch.
    """

    def __init__(
        self,
        sensitivities: Mapping[str, float],
        *,
        low_mult: float,
        high_mult: float,
        multiplier: float,
    ) -> None:
        self.sensitivities = dict(sensitivities)
        self.low_mult, self.high_mult, self.multiplier = low_mult, high_mult, multiplier
        self.moments: dict[str, tuple[float, float]] = {}

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.sensitivities)

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        masks = {}
        for name, base in self.sensitivities.items():
            size = context.weight(name).abs()
            if size.numel() < 2:
                continue
            mean, std = self.moments.setdefault(name, (float(size.mean()), float(size.std())))
            grown = splicing_sensitivity(base, context.epoch, context.active.start, self.multiplier)
            middle = mean + std * grown
            previous = context.masks.get(name)
            keep = torch.ones_like(size, dtype=torch.bool) if previous is None else previous
            masks[name] = (keep & (size >= middle * self.low_mult)) | (
                size >= middle * self.high_mult
            )
        return masks

    def state_dict(self) -> dict[str, Any]:
        return {"moments": {name: list(pair) for name, pair in self.moments.items()}}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self.moments = {name: (pair[0], pair[1]) for name, pair in saved["moments"].items()}


class BaiduRNNPruner(Pruner):
    """Prunes at or below a magnitude that rises with two slopes (Narang et al. 2017).

    Args:
        q: a quantile of the weights' magnitudes, chosen by the user.
        ramp_epoch_offset: epochs from the start to the second slope.
        ramp_slope_mult: second slope / first slope.
        weights: parameter names.
    """

    def __init__(
        self, *, q: float, ramp_epoch_offset: int, ramp_slope_mult: float, weights: tuple[str, ...]
    ) -> None:
        self.q, self.offset, self.multiplier = q, ramp_epoch_offset, ramp_slope_mult
        self._weights = weights

    @property
    def targets(self) -> tuple[str, ...]:
        return self._weights

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        threshold = baidu_threshold(
            context.epoch, context.active, q=self.q, offset=self.offset, multiplier=self.multiplier
        )
        return {name: keep_above(context.weight(name), threshold) for name in self._weights}


def _level_masks(context: PruneContext, levels: Mapping[str, float]) -> dict[str, Tensor]:
    masks = {}
    for name, level in levels.items():
        weight = context.weight(name)
        if int(level * weight.numel()) > 0:
            masks[name] = keep_level(weight, level)
    return masks
