"""Pruners that look at a whole structure, or at all of them at once: thresholds and slimming."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from vcc.compression.group_thresholds import group_threshold_mask
from vcc.compression.pruners.base import PruneContext, Pruner
from vcc.compression.selection import keep_highest_of_all
from vcc.compression.structures import spread


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


class SlimmingPruner(Pruner):
    """Network slimming (Liu et al. 2017): ranks BatchNorm scales of all layers together.

    The channels with the smallest |scale| of all listed layers lose their filters: the mask is put
    on the convolution's weight, and on the BatchNorm's scale and shift. Each layer keeps at least
    one channel. Filters that must go together (a residual stream) are judged by the mean of their
    scales, relative to nothing: scales of different layers compare as they are.

    Args:
        groups: per group, (convolution weight, BatchNorm scale, BatchNorm shift) of each member.
        fraction: share of all channels to prune; fewer where `most_per_layer` leaves no more.
        most_per_layer: largest share of one layer's channels to prune. Without it, a wide last
            layer whose scales all drifted a little lower can take most of the fraction on itself.
    """

    def __init__(
        self,
        groups: list[tuple[tuple[str, str, str], ...]],
        fraction: float,
        *,
        most_per_layer: float = 1.0,
    ) -> None:
        self.groups, self.fraction, self.most_per_layer = groups, fraction, most_per_layer

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(name for group in self.groups for member in group for name in member)

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        scores = [self._scores(group, context) for group in self.groups]
        keeps = keep_highest_of_all(scores, self.fraction, most_per_layer=self.most_per_layer)
        if all(bool(keep.all()) for keep in keeps):
            return {}
        masks: dict[str, Tensor] = {}
        for group, keep in zip(self.groups, keeps, strict=True):
            masks |= _group_masks(group, keep, context)
        return masks

    def _scores(self, group: tuple[tuple[str, str, str], ...], context: PruneContext) -> Tensor:
        scales = [context.weight(scale).abs() for _, scale, _ in group]
        longest = max(len(scale) for scale in scales)
        padded = [
            torch.nn.functional.pad(scale, (0, longest - len(scale)), value=float("nan"))
            for scale in scales
        ]
        return torch.stack(padded).nanmean(dim=0)


def _group_masks(
    group: tuple[tuple[str, str, str], ...], keep: Tensor, context: PruneContext
) -> dict[str, Tensor]:
    masks = {}
    for names in group:
        for name in names:
            shape = context.parameters[name].shape
            masks[name] = spread(keep[: shape[0]], shape, (0,))
    return masks
