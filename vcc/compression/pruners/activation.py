"""Pruners that rank filters by their activations (network trimming)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from vcc.compression.binding import Site
from vcc.compression.pruners.activation_stats import ActivationStatistics
from vcc.compression.pruners.base import PRUNERS, Pruner
from vcc.compression.pruners.ranked import RankedPruner
from vcc.compression.pruners.ranked_arguments import (
    Ramp,
    Ranked,
    Share,
    check_shapes,
    ranked_options,
)
from vcc.compression.pruners.scores import ActivationScore


class ActivationRankedPruner(RankedPruner):
    """Prunes filters with the highest APoZ (Hu et al. 2016) or the lowest mean activation.

    Args:
        weights: parameter names of convolutions.
        statistics: collects over the training batches between two prunings.
        sign: -1 for APoZ, 1 for the mean.
        options: as for `RankedPruner`.
    """

    def __init__(
        self,
        weights: tuple[str, ...],
        *,
        statistics: ActivationStatistics,
        sign: int,
        **options: Any,
    ) -> None:
        super().__init__(weights, score=ActivationScore(statistics, sign=sign), **options)
        self.statistics = statistics

    def state_dict(self) -> dict[str, Any]:
        return {"ranked": super().state_dict(), "statistics": self.statistics.state_dict()}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        super().load_state_dict(saved["ranked"])
        self.statistics.load_state_dict(saved["statistics"])

    def forget_shapes(self) -> None:
        super().forget_shapes()
        self.statistics.start()


class _ByActivation(Ranked):
    """Ranks by what a layer's output shows while the network trains.

    Attributes:
        statistic: `apoz` or `mean`.
        sign: -1 where a high figure means useless.
    """

    can_be_directed = False
    statistic: ClassVar[str]
    sign: ClassVar[int]

    def build(self, site: Site) -> Pruner:
        names = site.names(self.weights)
        if self.group_dependency == "Coupled":
            words = "activations rank no coupled groups: a residual stream's layers share theirs"
            site.problem("group_dependency", words)
        there = dict(site.network.model.named_parameters())
        if not there.keys() >= set(names):
            words = "activations are watched from the start: rank decomposed layers by weights"
            site.problem("weights", words)
        statistics = ActivationStatistics(
            site.network.model,
            tuple(name for name in names if name in there),
            followers=site.network.known_batchnorms(),
            statistic=self.statistic,
        )
        statistics.start()
        check_shapes(self, site, names)
        return ActivationRankedPruner(
            names,
            leader=self.group_dependency == "Leader",
            statistics=statistics,
            sign=self.sign,
            **ranked_options(self),
        )


class _ByZeros(_ByActivation):
    statistic = "apoz"
    sign = -1


class _ByMean(_ByActivation):
    statistic = "mean"
    sign = 1


@PRUNERS.register("ActivationAPoZRankedFilterPruner")
@dataclass(frozen=True, kw_only=True)
class ZerosRanked(_ByZeros, Share):
    """Prunes the filters whose activations are most often zero, counted while training."""


@PRUNERS.register("ActivationMeanRankedFilterPruner")
@dataclass(frozen=True, kw_only=True)
class MeanRanked(_ByMean, Share):
    """Prunes the filters of least mean activation."""


@PRUNERS.register("ActivationAPoZRankedFilterPruner_AGP")
@dataclass(frozen=True, kw_only=True)
class ZerosRankedRamp(_ByZeros, Ramp):
    """As `ActivationAPoZRankedFilterPruner`, along the ramp of `AutomatedGradualPruner`."""


@PRUNERS.register("ActivationMeanRankedFilterPruner_AGP")
@dataclass(frozen=True, kw_only=True)
class MeanRankedRamp(_ByMean, Ramp):
    """As `ActivationMeanRankedFilterPruner`, along the ramp of `AutomatedGradualPruner`."""
