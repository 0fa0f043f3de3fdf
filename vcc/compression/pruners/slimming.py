"""Network slimming: channels of all layers ranked together by the scales of their BatchNorms."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from vcc.compression.channels.coupled import filters_kept, weakest_of_all
from vcc.compression.channels.traced import TracedChannels
from vcc.compression.masks.structures import spread
from vcc.compression.pruners.base import PruneContext, Pruner


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
        channels: the network's groups of channels.
        fraction: share of all channels to prune; fewer where `most_per_layer` leaves no more.
        most_per_layer: largest share of one layer's channels to prune. Without it, a wide last
            layer whose scales all drifted a little lower can take most of the fraction on itself.
    """

    def __init__(
        self,
        together: Sequence[tuple[tuple[str, str, str], ...]],
        channels: TracedChannels,
        fraction: float,
        *,
        most_per_layer: float = 1.0,
    ) -> None:
        self.members = tuple(member for group in together for member in group)
        self.fraction, self.most_per_layer = fraction, most_per_layer
        self._channels = channels

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(name for member in self.members for name in member)

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        groups = self._channels.groups()
        scales = {weight: context.weight(scale).abs() for weight, scale, _ in self.members}
        dead = weakest_of_all(groups, scales, self.fraction, most_per_layer=self.most_per_layer)
        if not any(bool(gone.any()) for gone in dead):
            return {}
        keeps = filters_kept(groups, dead, scales)
        masks: dict[str, Tensor] = {}
        for names in self.members:
            for name in names:
                parameter = context.parameters[name]
                keep = keeps[names[0]].to(parameter.device)
                masks[name] = spread(keep, parameter.shape, (0,))
        return masks
