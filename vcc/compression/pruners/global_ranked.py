"""One ranking over all layers: layers that can give more lose more.

Scores of different layers are made comparable first:

    mean   divided by the layer's mean
    l2     divided by the layer's L2 norm (Molchanov et al. 2017, ICLR)
    lamp   s^2 / (sum of the squares of all that are at least s) (Lee et al. 2021, ICLR, there of
           weights): what pruning a structure costs, relative to what is left
    none   as they are
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from vcc.compression.pruners.base import PruneContext
from vcc.compression.pruners.ranked import RankedPruner, by_mean, stretches
from vcc.compression.selection import keep_highest_of_all
from vcc.compression.structures import spread


class GlobalRankedPruner(RankedPruner):
    """Masks the structures with the lowest scores of all layers, ranked together.

    The structures of a coupled group are one layer's here: as in `CoupledPruner`, a channel's score
    is the mean over the members that have it, it counts once, and each stretch that only wider
    members have is a layer of its own.

    Args:
        groups: names of the weights that go together, one tuple per group; one name where the
            weight goes alone.
        normalizer: mean, l2, lamp or none.
        most_per_layer: largest share of one layer's structures to prune; one always stays.
        options: as for `RankedPruner`; the fraction is the share of all structures.
    """

    def __init__(
        self,
        groups: Sequence[tuple[str, ...]],
        *,
        normalizer: str = "mean",
        most_per_layer: float = 1.0,
        **options: Any,
    ) -> None:
        super().__init__(tuple(name for group in groups for name in group), **options)
        self.groups = tuple(groups)
        self.normalizer, self.most_per_layer = normalizer, most_per_layer

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        layers = [self._scores(group, context) for group in self.groups]
        scored = [parts for parts in layers if parts is not None]
        if len(scored) < len(self.groups):
            return {}
        keeps = keep_highest_of_all(
            [part for parts in scored for part in parts],
            self.fraction(self.targets[0], context),
            most_per_layer=self.most_per_layer,
            rounding=self.counting["rounding"],
        )
        if all(bool(keep.all()) for keep in keeps):
            return {}
        masks: dict[str, Tensor] = {}
        remaining = iter(keeps)
        for group, parts in zip(self.groups, scored, strict=True):
            keep = torch.cat([next(remaining) for _ in parts])
            for name in group:
                weight, dims = context.parameters[name], self._dims(name, context)
                masks[name] = spread(keep[: weight.shape[dims[0]]], weight.shape, dims)
        return masks

    def _scores(self, group: tuple[str, ...], context: PruneContext) -> list[Tensor] | None:
        """Return a group's comparable scores by stretch, or None where there are none yet."""
        found = [self.score(name, self._dims(name, context), context) for name in group]
        scores = [_NORMALIZERS[self.normalizer](score) for score in found if score is not None]
        if len(scores) < len(group):
            return None
        parts = stretches(scores)
        if self.normalizer != "lamp":
            return parts
        return list(torch.split(lamp(torch.cat(parts)), [len(part) for part in parts]))


def lamp(scores: Tensor) -> Tensor:
    """Return the layer-adaptive scores [n], 0..1; of scores that tie, the first is the lowest."""
    squares = scores.double().clamp_min(0).square()
    order = torch.argsort(squares, stable=True)
    ascending = squares[order]
    at_least = ascending.flip(0).cumsum(0).flip(0)
    adapted = torch.zeros_like(squares)
    adapted[order] = ascending / at_least.clamp_min(torch.finfo(torch.float64).tiny)
    return adapted


def _by_norm(scores: Tensor) -> Tensor:
    norm = torch.linalg.vector_norm(scores)
    return scores / norm if float(norm) > 0 else scores


# members of a coupled group are combined by their means before their scores are adapted
_NORMALIZERS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": by_mean,
    "l2": _by_norm,
    "lamp": by_mean,
    "none": lambda scores: scores,
}
