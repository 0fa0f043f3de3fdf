"""Pruners of structures: rank filters, channels, slices or blocks and mask the lowest.

Each listed weight is ranked by itself. With `Leader` the first one is ranked and its choice applied
to all. `Coupled` (an extension) is in `vcc.compression.pruners.coupled`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vcc.compression.masks.selection import count_structures, keep_highest, keep_window
from vcc.compression.masks.structures import (
    TEMPORAL_SLICES,
    UnfitStructure,
    map_dims,
    spread,
    spread_blocks,
)
from vcc.compression.pruners.base import PruneContext, Pruner, draw_generator
from vcc.compression.pruners.ramps import Fraction
from vcc.compression.pruners.scores import Score
from vcc.errors import ScheduleError


class RankedPruner(Pruner):
    """Masks the structures with the lowest scores.

    Args:
        weights: parameter names.
        group_type: Filters, 3D, Channels, Rows (= Channels), Blocks or TemporalSlices. Of these,
            neighbours round the middle stay: thinning cuts a kernel at its ends, and one without
            its middle would read frames beside its place only.
        fraction: share to prune.
        score: what ranks.
        leader: apply the choice for the first weight to all.
        block_shape: for Blocks.
        **counting: `group_size` (1), how many consecutive structures go together, and `rounding`
            (floor), how fraction * n becomes a count.
    """

    def __init__(
        self,
        weights: tuple[str, ...],
        *,
        group_type: str,
        fraction: Fraction,
        score: Score,
        leader: bool = False,
        block_shape: Sequence[int] | None = None,
        **counting: Any,
    ) -> None:
        self._weights = weights
        self.group_type, self.fraction, self.score = group_type, fraction, score
        self.leader, self.block_shape = leader, block_shape
        self.counting = {"group_size": 1, "rounding": "floor", **counting}
        self._led_by: tuple[float, Tensor] | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        return self._weights

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        if self.leader:
            return self._follow_leader(context)
        masks = {}
        for name in self._weights:
            keep = self.keep_map(name, context, self.fraction(name, context))
            if keep is not None:
                masks[name] = self._spread(name, keep, context)
        return masks

    def keep_map(self, name: str, context: PruneContext, fraction: float) -> Tensor | None:
        """Return one bool per structure, or None where nothing is to be pruned."""
        scores = self.score(name, self._dims(name, context), context)
        if scores is None:
            return None
        if self.group_type == TEMPORAL_SLICES:
            return keep_slices(scores, fraction, rounding=self.counting["rounding"])
        return keep_structures(scores, fraction, **self.counting)

    def _dims(self, name: str, context: PruneContext) -> tuple[int, ...]:
        if self.group_type == "Blocks":
            return ()
        try:
            return map_dims(self.group_type, context.parameters[name], ranking=True)
        except UnfitStructure as error:
            msg = f"cannot prune {name}: {error}"
            raise ScheduleError(msg) from error

    def _spread(self, name: str, keep: Tensor, context: PruneContext) -> Tensor:
        weight = context.parameters[name]
        if self.block_shape is not None:
            return spread_blocks(keep, weight, self.block_shape)
        dims = self._dims(name, context)
        sizes = torch.Size([weight.shape[dim] for dim in dims])
        if keep.shape != sizes:
            msg = (
                f"{name} has {tuple(sizes)} structures, its leader {self._weights[0]} has "
                f"{tuple(keep.shape)}: list only weights of the same size with group_dependency"
            )
            raise ScheduleError(msg)
        return spread(keep, weight.shape, dims)

    def _follow_leader(self, context: PruneContext) -> dict[str, Tensor]:
        leader = self._weights[0]
        fraction = self.fraction(leader, context)
        if self._led_by is None or self._led_by[0] != fraction:
            keep = self.keep_map(leader, context, fraction)
            if keep is None:
                return {}
            self._led_by = (fraction, keep)
        keep = self._led_by[1]
        return {name: self._spread(name, keep, context) for name in self._weights}

    def state_dict(self) -> dict[str, Any]:
        led_by = None if self._led_by is None else list(self._led_by)
        return {"led_by": led_by, "score": self.score.state_dict(self.targets)}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        led_by = saved["led_by"]
        self._led_by = None if led_by is None else (led_by[0], led_by[1])
        self.score.load_state_dict(saved["score"])

    def forget_shapes(self) -> None:
        self._led_by = None


class BernoulliPruner(RankedPruner):
    """Keeps each structure with probability 1 - fraction, drawn anew each time (DropFilter)."""

    def keep_map(self, name: str, context: PruneContext, fraction: float) -> Tensor | None:
        if fraction <= 0:
            return None
        weight = context.parameters[name]
        sizes = [weight.shape[dim] for dim in self._dims(name, context)]
        generator = draw_generator("bernoulli", name, context.epoch, context.step)
        return (torch.rand(sizes, generator=generator) >= fraction).to(weight.device)


def by_mean(scores: Tensor) -> Tensor:
    """Return scores divided by the mean of their magnitudes, so that layers compare."""
    mean = scores.abs().mean()
    return scores / mean if float(mean) > 0 else scores


def keep_slices(scores: Tensor, fraction: float, *, rounding: str = "floor") -> Tensor | None:
    """Return the keep map of a kernel's neighbours in time, or None where all of them stay."""
    count = count_structures(scores.numel(), fraction, rounding=rounding)
    return keep_window(scores, count) if count else None


def keep_structures(
    scores: Tensor, fraction: float, *, group_size: int = 1, rounding: str = "floor"
) -> Tensor | None:
    """Return the keep map that prunes a fraction of structures, or None where that is none.

    With a group size of g, runs of g structures are scored by their mean and go together; a shorter
    run at the end is kept.
    """
    n = scores.numel()
    count = count_structures(n, fraction, group_size=group_size, rounding=rounding)
    if count == 0:
        return None
    if group_size == 1:
        return keep_highest(scores, count)
    n_whole = n // group_size * group_size
    runs = scores.flatten()[:n_whole].view(-1, group_size).mean(dim=1)
    kept_runs = keep_highest(runs, count // group_size).repeat_interleave(group_size)
    rest = torch.ones(n - n_whole, dtype=torch.bool, device=scores.device)
    return torch.cat([kept_runs, rest]).reshape(scores.shape)
