"""Pruners of structures: rank filters, channels or blocks and mask the lowest.

Each listed weight is ranked by itself. With `Leader` the first one is ranked and its choice applied
to all; with `Coupled` (an extension) the members of each group of weights whose filters must go
together are ranked as one, so that what is masked can be removed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vcc.compression.pruners.base import PruneContext, Pruner, draw_generator
from vcc.compression.pruners.fractions import Fraction
from vcc.compression.pruners.scores import Score
from vcc.compression.selection import count_structures, keep_highest
from vcc.compression.structures import UnfitStructure, map_dims, spread, spread_blocks
from vcc.errors import ScheduleError


class RankedPruner(Pruner):
    """Masks the structures with the lowest scores.

    Args:
        weights: parameter names.
        group_type: Filters, 3D, Channels, Rows (= Channels) or Blocks.
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
        return None if scores is None else keep_structures(scores, fraction, **self.counting)

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


class CoupledPruner(RankedPruner):
    """Ranks the filters of each coupled group as one and gives all its members the same mask.

    A member's scores are divided by their mean; the group's score of a channel is the mean over the
    members that have it. Members may differ in size where one stream is a zero-padded longer
    version of another (shortcut A): channels are aligned from the first, and each stretch that only
    some members have is ranked by itself, so that every member loses the same share. So is each
    cell of filters that one group of a grouped convolution writes or reads.

    Args:
        groups: names of the weights whose filters go together, one tuple per group.
        cells: returns weight name to the cell of each of its filters as they are now, int
            [filters]; weights whose filters are in one cell are left out.
        options: as for `RankedPruner`.
    """

    def __init__(
        self,
        groups: Sequence[tuple[str, ...]],
        *,
        cells: Callable[[], Mapping[str, Tensor]] = dict,
        **options: Any,
    ) -> None:
        super().__init__(tuple(name for group in groups for name in group), **options)
        self.groups = tuple(groups)
        self._find_cells = cells
        self._cells: Mapping[str, Tensor] | None = None

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        if self._cells is None:
            self._cells = self._find_cells()
        masks: dict[str, Tensor] = {}
        for group in self.groups:
            keep = self._group_map(group, context, self._cells)
            if keep is None:
                continue
            for name in group:
                weight = context.parameters[name]
                masks[name] = spread(keep[: weight.shape[0]], weight.shape, (0,))
        return masks

    def forget_shapes(self) -> None:
        super().forget_shapes()
        self._cells = None

    def _group_map(
        self, group: tuple[str, ...], context: PruneContext, cells: Mapping[str, Tensor]
    ) -> Tensor | None:
        found = [self.score(name, (0,), context) for name in group]
        scores = [_normalised(score) for score in found if score is not None]
        if len(scores) < len(group):
            return None
        fraction = self.fraction(group[0], context)
        part_of = _parts(scores, [cells[name] for name in group if name in cells])
        joined = _joined(scores)
        keep = torch.ones_like(joined, dtype=torch.bool)
        for part in range(int(part_of.max()) + 1):
            within = (part_of == part).to(keep.device)
            keep[within] = _keep_some(joined[within], fraction, self.counting)
        return None if bool(keep.all()) else keep


def _joined(scores: Sequence[Tensor]) -> Tensor:
    """Return the mean score of each channel over the members that have it."""
    borders = sorted({len(score) for score in scores})
    means, start = [], 0
    for end in borders:
        present = [score[start:end] for score in scores if len(score) >= end]
        means.append(torch.stack(present).mean(dim=0))
        start = end
    return torch.cat(means)


def _parts(scores: Sequence[Tensor], cells: Sequence[Tensor]) -> Tensor:
    """Return the part of each channel, int [n], that is ranked by itself.

    Channels of one part belong to the same members, and to the same cell of each.
    """
    n = max(len(score) for score in scores)
    labels = [
        torch.bucketize(torch.arange(n), torch.tensor(sorted({len(s) for s in scores})), right=True)
    ]
    labels += [torch.nn.functional.pad(cell, (0, n - len(cell)), value=-1) for cell in cells]
    _, part_of = torch.unique(torch.stack(labels, dim=1), dim=0, return_inverse=True)
    parts: Tensor = part_of
    return parts


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


def _keep_some(scores: Tensor, fraction: float, counting: Mapping[str, Any]) -> Tensor:
    keep = keep_structures(scores, fraction, **counting)
    return torch.ones_like(scores, dtype=torch.bool) if keep is None else keep


def _normalised(scores: Tensor) -> Tensor:
    mean = scores.abs().mean()
    return scores / mean if float(mean) > 0 else scores
