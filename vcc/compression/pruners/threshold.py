"""The pruner that looks at a whole structure and compares it with a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from vcc.compression.binding import Site
from vcc.compression.masks.group_thresholds import group_threshold_mask
from vcc.compression.masks.structures import UnfitStructure, map_dims
from vcc.compression.pruners.base import PRUNERS, PruneContext, Pruner, PrunerArguments
from vcc.compression.schedule.arguments import argument
from vcc.compression.schedule.fields import choice, number, row, table

_GROUPS = ("2D", "3D", "Filters", "Channels", "Rows", "Cols")
_CRITERIA = ("Max", "Mean_Abs", "Mean_L1", "L1", "Mean_L2", "L2")


@PRUNERS.register("StructureParameterPruner")
@dataclass(frozen=True, kw_only=True)
class StructureArguments(PrunerArguments):
    """Prunes structures whose norm is at or below a threshold."""

    reg_regims: Mapping[str, tuple[float, str]] = argument(
        table(row(number(at_least=0), choice(*_GROUPS))),
        help_text="name or selector -> [threshold, group], at least 0",
    )
    threshold_criteria: str = argument(
        choice(*_CRITERIA),
        help_text="norm of a structure: Max, Mean_Abs, Mean_L1, L1, Mean_L2 or L2",
    )

    def build(self, site: Site) -> Pruner:
        regimes = {}
        for name, (threshold, group) in site.table(self.reg_regims, "reg_regims").items():
            try:
                map_dims(group, site.network.resolver.parameters[name])
            except UnfitStructure as error:
                site.problem("reg_regims", str(error), name)
            regimes[name] = (threshold, group)
        return StructurePruner(regimes, self.threshold_criteria)


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
