"""Pruners of single weights: magnitude, level, sensitivity, AGP, splicing, Baidu."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vcc.compression.binding import Site
from vcc.compression.masks.selection import keep_above, keep_level
from vcc.compression.pruners.base import PRUNERS, PruneContext, Pruner, PrunerArguments
from vcc.compression.pruners.ramps import agp_sparsity, baidu_threshold, splicing_sensitivity
from vcc.compression.pruners.ranked_arguments import FRACTION, Ramp, weights_argument
from vcc.compression.schedule.arguments import argument
from vcc.compression.schedule.fields import integer, number, table


@PRUNERS.register("MagnitudeParameterPruner")
@dataclass(frozen=True, kw_only=True)
class MagnitudeArguments(PrunerArguments):
    """Prunes weights at or below a magnitude."""

    thresholds: Mapping[str, float] = argument(
        table(number(at_least=0)),
        help_text="name or selector -> magnitude, at least 0; `'*'` for all others must be there",
    )

    def build(self, site: Site) -> Pruner:
        if "*" not in self.thresholds:
            site.problem("thresholds", "needs the key '*' for all other parameters")
        return MagnitudePruner(site.table(self.thresholds, "thresholds"))


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


@PRUNERS.register("SparsityLevelParameterPruner")
@dataclass(frozen=True, kw_only=True)
class LevelArguments(PrunerArguments):
    """Prunes a share of the weights, those of least magnitude."""

    levels: Mapping[str, float] = argument(
        table(FRACTION), help_text="name or selector -> share, 0 to 1"
    )

    def build(self, site: Site) -> Pruner:
        return LevelPruner(site.table(self.levels, "levels"))


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


@PRUNERS.register("AutomatedGradualPruner")
@dataclass(frozen=True, kw_only=True)
class GradualArguments(PrunerArguments, Ramp):
    """Prunes a share of the weights along a cubic ramp over the epochs (Zhu and Gupta 2017)."""

    weights: tuple[str, ...] = weights_argument()

    def build(self, site: Site) -> Pruner:
        return AutomatedGradualPruner(
            initial_sparsity=self.initial_sparsity,
            final_sparsity=self.final_sparsity,
            weights=site.names(self.weights),
        )


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


@PRUNERS.register("SensitivityPruner")
@dataclass(frozen=True, kw_only=True)
class SensitivityArguments(PrunerArguments):
    """Prunes at or below s standard deviations, which are taken once (Han et al. 2015)."""

    sensitivities: Mapping[str, float] = argument(
        table(number(at_least=0)), help_text="name or selector -> s, at least 0"
    )

    def build(self, site: Site) -> Pruner:
        return SensitivityPruner(site.table(self.sensitivities, "sensitivities"))


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


@PRUNERS.register("SplicingPruner")
@dataclass(frozen=True, kw_only=True)
class SplicingArguments(PrunerArguments):
    """Prunes below a low threshold and revives above a high one, around mean plus s deviations.

    Guo et al. 2016. Wants `mask_on_forward_only`.
    """

    sensitivities: Mapping[str, float] = argument(
        table(number()), help_text="name or selector -> s, of any sign"
    )
    low_thresh_mult: float = argument(
        number(above=0), help_text="factor of the low threshold, above 0"
    )
    hi_thresh_mult: float = argument(
        number(above=0), help_text="factor of the high threshold, above 0"
    )
    sensitivity_multiplier: float = argument(
        number(at_least=0), 0.0, "growth of s per epoch; 0 keeps it"
    )

    def build(self, site: Site) -> Pruner:
        return SplicingPruner(
            site.table(self.sensitivities, "sensitivities"),
            low_mult=self.low_thresh_mult,
            high_mult=self.hi_thresh_mult,
            multiplier=self.sensitivity_multiplier,
        )


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


@PRUNERS.register("BaiduRNNPruner")
@dataclass(frozen=True, kw_only=True)
class BaiduArguments(PrunerArguments):
    """Prunes at or below a magnitude that rises with two slopes (Narang et al. 2017)."""

    q: float = argument(
        number(at_least=0),
        help_text="a magnitude that most weights to be pruned stay below, at least 0",
    )
    ramp_epoch_offset: int = argument(
        integer(0), help_text="epochs from the policy's start to the second slope"
    )
    ramp_slope_mult: float = argument(
        number(at_least=0), help_text="second slope divided by the first, at least 0"
    )
    weights: tuple[str, ...] = weights_argument()

    def build(self, site: Site) -> Pruner:
        return BaiduRNNPruner(
            q=self.q,
            ramp_epoch_offset=self.ramp_epoch_offset,
            ramp_slope_mult=self.ramp_slope_mult,
            weights=site.names(self.weights),
        )


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
