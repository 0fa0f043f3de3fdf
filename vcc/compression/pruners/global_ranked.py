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

from vcc.compression.channels.filters import filters_kept, weakest_of_all
from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.masks.selection import keep_highest_of_all
from vcc.compression.masks.structures import spread
from vcc.compression.pruners.base import PruneContext
from vcc.compression.pruners.ranked import RankedPruner, by_mean


class GlobalRankedPruner(RankedPruner):
    """Masks the structures with the lowest scores of all layers, ranked together.

    Args:
        weights: parameter names.
        normalizer: mean, l2, lamp or none.
        most_per_layer: largest share of one layer's structures to prune; one always stays.
        options: as for `RankedPruner`; the fraction is the share of all structures.
    """

    def __init__(
        self,
        weights: Sequence[str],
        *,
        normalizer: str = "mean",
        most_per_layer: float = 1.0,
        **options: Any,
    ) -> None:
        super().__init__(tuple(weights), **options)
        self.normalizer, self.most_per_layer = normalizer, most_per_layer

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        scores = self.comparable_scores(context)
        if len(scores) < len(self.targets):
            return {}
        layers = list(scores.values())
        if self.normalizer == "lamp":
            layers = [lamp(layer) for layer in layers]
        keeps = keep_highest_of_all(
            layers,
            self.fraction(self.targets[0], context),
            most_per_layer=self.most_per_layer,
            rounding=self.counting["rounding"],
        )
        return self.masks_of(dict(zip(scores, keeps, strict=True)), context)

    def comparable_scores(self, context: PruneContext) -> dict[str, Tensor]:
        """Return the normalised scores of the weights that have any yet."""
        normalise = _NORMALIZERS[self.normalizer]
        found = {
            name: self.score(name, self._dims(name, context), context) for name in self.targets
        }
        return {name: normalise(score) for name, score in found.items() if score is not None}

    def masks_of(self, keeps: dict[str, Tensor], context: PruneContext) -> dict[str, Tensor]:
        """Return a mask per weight from which of its structures stay; none where all do."""
        if all(bool(keep.all()) for keep in keeps.values()):
            return {}
        masks = {}
        for name, keep in keeps.items():
            weight = context.parameters[name]
            masks[name] = spread(keep.to(weight.device), weight.shape, self._dims(name, context))
        return masks


class GlobalCoupledPruner(GlobalRankedPruner):
    """Ranks the coupled channels of all layers together, so that what is masked can be removed.

    As in `CoupledPruner`, a channel's score is the mean over the members that have it. It counts
    once, and each stretch of channels that the same members have is a layer of its own. Of channels
    that grouped convolutions have, each group loses as many as the others.

    Args:
        together: names of the weights whose filters go together, one tuple per group.
        channels: the network's groups of channels.
        options: as for `GlobalRankedPruner`.
    """

    def __init__(
        self,
        together: Sequence[tuple[str, ...]],
        channels: TracedChannels,
        **options: Any,
    ) -> None:
        super().__init__(tuple(name for names in together for name in names), **options)
        self._channels = channels

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        scores = self.comparable_scores(context)
        if len(scores) < len(self.targets):
            return {}
        groups = self._channels.groups()
        dead = weakest_of_all(
            groups,
            scores,
            self.fraction(self.targets[0], context),
            most_per_layer=self.most_per_layer,
            rounding=self.counting["rounding"],
            adapt=lamp if self.normalizer == "lamp" else None,
        )
        return self.masks_of(filters_kept(groups, dead, scores), context)


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


# lamp: members of a coupled group are combined by their means before their scores are adapted
_NORMALIZERS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": by_mean,
    "l2": _by_norm,
    "lamp": by_mean,
    "none": lambda scores: scores,
}
