"""Network slimming: channels of all layers ranked together by the scales of their BatchNorms."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vcc.compression.coupled_filters import filters_kept, first_scored, group_scores
from vcc.compression.pruners.base import PruneContext, Pruner
from vcc.compression.selection import count_structures, keep_highest
from vcc.compression.structures import spread
from vcc.compression.thinning_trace import ChannelGroup
from vcc.compression.weakest_channels import weakest_channels


class SlimmingPruner(Pruner):
    """Network slimming (Liu et al. 2017): ranks BatchNorm scales of all layers together.

    The channels with the smallest |scale| of all listed layers lose their filters: the mask is put
    on the convolution's weight, and on the BatchNorm's scale and shift. Each stretch of channels
    that the same layers have keeps at least one. Filters that must go together (a residual stream)
    are judged by the mean of their scales, relative to nothing: scales of different layers compare
    as they are. Of channels that grouped convolutions have, each group loses as many as the others.

    Args:
        together: per group of layers, (convolution weight, BatchNorm scale, BatchNorm shift) of
            each member.
        channels: returns the network's groups of channels; asked again when it was thinned.
        fraction: share of all channels to prune; fewer where `most_per_layer` leaves no more.
        most_per_layer: largest share of one layer's channels to prune. Without it, a wide last
            layer whose scales all drifted a little lower can take most of the fraction on itself.
    """

    def __init__(
        self,
        together: Sequence[tuple[tuple[str, str, str], ...]],
        channels: Callable[[], Sequence[ChannelGroup]],
        fraction: float,
        *,
        most_per_layer: float = 1.0,
    ) -> None:
        self.members = tuple(member for group in together for member in group)
        self.fraction, self.most_per_layer = fraction, most_per_layer
        self._trace = channels
        self._groups: Sequence[ChannelGroup] | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(name for member in self.members for name in member)

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        if self._groups is None:
            self._groups = self._trace()
        scales = {weight: context.weight(scale).abs() for weight, scale, _ in self.members}
        scores = [group_scores(group, scales) for group in self._groups]
        counts = self._counts(scores, [bool(first_scored(g, scales)) for g in self._groups])
        if not any(counts):
            return {}
        keeps = filters_kept(self._groups, weakest_channels(self._groups, scores, counts), scales)
        masks: dict[str, Tensor] = {}
        for names in self.members:
            for name in names:
                parameter = context.parameters[name]
                keep = keeps[names[0]].to(parameter.device)
                masks[name] = spread(keep, parameter.shape, (0,))
        return masks

    def forget_shapes(self) -> None:
        self._groups = None

    def _counts(self, scores: Sequence[Tensor], listed: Sequence[bool]) -> list[int]:
        """Return how many of each group's channels are among the weakest of all."""
        ranked = [score for score, wanted in zip(scores, listed, strict=True) if wanted]
        together = torch.cat(ranked)
        protected = torch.cat([self._protected(score) for score in ranked])
        count = count_structures(together.numel(), self.fraction)
        count = min(count, int((~protected).sum()))
        gone = ~keep_highest(together.masked_fill(protected, float("inf")), count)
        pieces = iter(torch.split(gone, [len(score) for score in ranked]))
        return [int(next(pieces).sum()) if wanted else 0 for wanted in listed]

    def _protected(self, score: Tensor) -> Tensor:
        """Return the channels of a layer that stay whatever the other layers' scales."""
        most = min(len(score) - 1, int(self.most_per_layer * len(score)))
        return keep_highest(score, most)
