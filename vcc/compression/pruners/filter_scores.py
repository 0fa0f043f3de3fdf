"""Scores of filters by more than their size: their redundancy, and the BatchNorm behind them.

A filter whose weights are all zero (one that is masked, say) scores 0, so that it goes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vcc.compression.binding import Gate, Site
from vcc.compression.masks.structures import structures_alive
from vcc.compression.pruners.base import PRUNERS, PruneContext, Pruner
from vcc.compression.pruners.ranked_arguments import (
    AcrossLayers,
    Ramp,
    Ranked,
    Share,
    ranked_pruner,
)
from vcc.compression.pruners.scores import Score


class GeometricMedianScore(Score):
    """Sum of a filter's Euclidean distances to the layer's others (FPGM; He et al. 2019, CVPR).

    The filters nearest to the geometric median, those that the others can stand in for, go first
    (their equation 7). Filters of zeros are nobody's neighbours: they have no share in the sums.
    """

    def __call__(self, name: str, dims: Sequence[int], context: PruneContext) -> Tensor | None:
        weight = context.weight(name)
        filters = weight.flatten(1).double()
        alive = structures_alive(weight, dims)
        distances = torch.cdist(filters, filters)
        return (distances * alive).sum(dim=1) * alive


class BatchNormScaleScore(Score):
    """|gamma| of the BatchNorm behind a filter (Liu et al. 2017, network slimming).

    Args:
        gates: weight name -> the BatchNorm behind it.
    """

    def __init__(self, gates: Mapping[str, Gate]) -> None:
        self.gates = dict(gates)

    def __call__(self, name: str, dims: Sequence[int], context: PruneContext) -> Tensor | None:
        gate = self.gates.get(name)
        if gate is None or gate.scale not in context.parameters:
            # folded into the weights by now, perhaps: nothing to rank by
            return None
        alive = structures_alive(context.weight(name), dims)
        return context.weight(gate.scale).abs() * alive


class _ByMedian(Ranked):
    def build(self, site: Site) -> Pruner:
        return ranked_pruner(self, site, score=GeometricMedianScore())


@PRUNERS.register("FPGMRankedFilterPruner")
@dataclass(frozen=True, kw_only=True)
class MedianRanked(AcrossLayers, _ByMedian, Share):
    """Prunes the filters nearest to the layer's others (He et al. 2019). An extension."""


@PRUNERS.register("FPGMRankedFilterPruner_AGP")
@dataclass(frozen=True, kw_only=True)
class MedianRankedRamp(AcrossLayers, _ByMedian, Ramp):
    """As `FPGMRankedFilterPruner`, along the ramp of `AutomatedGradualPruner`."""


class _ByScale(Ranked):
    def build(self, site: Site) -> Pruner:
        gates = site.network.gates(site.class_name)
        pruner = ranked_pruner(self, site, score=BatchNormScaleScore(gates))
        for name in pruner.targets:
            if name not in gates:
                site.problem("weights", f"{name} has no BatchNorm behind it")
        return pruner


@PRUNERS.register("BNScaleRankedFilterPruner")
@dataclass(frozen=True, kw_only=True)
class ScaleRanked(AcrossLayers, _ByScale, Share):
    """Prunes the filters of least BatchNorm scale (Liu et al. 2017). An extension."""


@PRUNERS.register("BNScaleRankedFilterPruner_AGP")
@dataclass(frozen=True, kw_only=True)
class ScaleRankedRamp(AcrossLayers, _ByScale, Ramp):
    """As `BNScaleRankedFilterPruner`, along the ramp of `AutomatedGradualPruner`."""
