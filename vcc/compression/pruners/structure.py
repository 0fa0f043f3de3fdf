"""The pruner that looks at a whole structure and compares it with a threshold."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from vcc.compression.masks.group_thresholds import group_threshold_mask
from vcc.compression.pruners.base import PruneContext, Pruner


class StructurePruner(Pruner):
    """Masks structures whose measure does not exceed a threshold.

    Args:
        regimes: parameter name -> (threshold, group).
        criterion: how a structure is measured.
    """

    def __init__(self, regimes: Mapping[str, tuple[float, str]], criterion: str) -> None:
        self.regimes, self.criterion = dict(regimes), criterion

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.regimes)

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        return {
            name: group_threshold_mask(context.weight(name), group, threshold, self.criterion)
            for name, (threshold, group) in self.regimes.items()
        }
