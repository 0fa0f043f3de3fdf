"""Pruners that rank filters by their activations (network trimming)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vcc.compression.pruners.activation_stats import ActivationStatistics
from vcc.compression.pruners.ranked import RankedPruner
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
