"""The pruner of filters that can go: those that must go together are ranked as one (`Coupled`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vcc.compression.channels.filters import filters_kept, first_scored, group_scores
from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.channels.weakest import weakest_channels
from vcc.compression.masks.selection import count_structures
from vcc.compression.masks.structures import spread
from vcc.compression.pruners.base import PruneContext
from vcc.compression.pruners.ranked import RankedPruner, by_mean


class CoupledPruner(RankedPruner):
    """Ranks the filters of each coupled group as one and masks them in all its members.

    A member's scores are divided by their mean; the group's score of a channel is the mean over the
    members that have it. Members may have a channel under different numbers, and some may lack it:
    each stretch of channels that the same members have is ranked by itself, so that every member
    loses the same share. Where grouped convolutions have the channels, each of their groups loses
    as many as the others, and the share is rounded down to what that allows.

    Args:
        together: names of the weights whose filters go together, one tuple per group.
        channels: the network's groups of channels.
        options: as for `RankedPruner`.
    """

    def __init__(
        self,
        together: Sequence[tuple[str, ...]],
        channels: TracedChannels,
        **options: Any,
    ) -> None:
        super().__init__(tuple(name for names in together for name in names), **options)
        self.together = tuple(together)
        self._channels = channels

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        scores: dict[str, Tensor] = {}
        fractions: dict[str, float] = {}
        for names in self.together:
            found = {name: self.score(name, (0,), context) for name in names}
            known = {name: by_mean(score) for name, score in found.items() if score is not None}
            if len(known) == len(names):
                scores |= known
                fractions |= dict.fromkeys(names, self.fraction(names[0], context))
        keeps = self._keep_maps(scores, fractions)
        masks: dict[str, Tensor] = {}
        for names in self.together:
            if any(name in keeps and not bool(keeps[name].all()) for name in names):
                for name in names:
                    weight = context.parameters[name]
                    masks[name] = spread(keeps[name].to(weight.device), weight.shape, (0,))
        return masks

    def _keep_maps(
        self, scores: Mapping[str, Tensor], fractions: Mapping[str, float]
    ) -> dict[str, Tensor]:
        """Return which filters stay, a bool [filters] by weight, of the weights with scores."""
        groups = self._channels.groups()
        found: list[Tensor] = []
        counts: list[int] = []
        for group in groups:
            n = len(group.roots)
            name = first_scored(group, scores)
            found.append(_by_runs(group_scores(group, scores), int(self.counting["group_size"])))
            counts.append(count_structures(n, fractions[name], **self.counting) if name else 0)
        return filters_kept(groups, weakest_channels(groups, found, counts), scores)


def _by_runs(scores: Tensor, size: int) -> Tensor:
    """Return scores that let runs of `size` channels go together; a shorter run at the end stays.

    Each channel of a run has the run's mean.
    """
    if size == 1:
        return scores
    n_whole = len(scores) // size * size
    runs = scores[:n_whole].view(-1, size).mean(dim=1).repeat_interleave(size)
    return torch.cat([runs, torch.full_like(scores[n_whole:], torch.inf)])
