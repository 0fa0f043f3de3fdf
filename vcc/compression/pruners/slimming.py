"""Network slimming: channels of all layers ranked together by the scales of their BatchNorms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from vcc.compression.binding import Site
from vcc.compression.channels.filters import filters_kept, weakest_of_all
from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.masks.structures import spread
from vcc.compression.pruners.base import PRUNERS, PruneContext, Pruner, PrunerArguments
from vcc.compression.pruners.ranked_arguments import FRACTION, weights_argument
from vcc.compression.schedule.arguments import argument


@PRUNERS.register("NetworkSlimmingPruner")
@dataclass(frozen=True, kw_only=True)
class SlimmingArguments(PrunerArguments):
    """Prunes the channels of least BatchNorm scale, ranked over all listed layers together.

    An extension.
    """

    desired_sparsity: float = argument(
        FRACTION, help_text="extension: share of all listed channels, 0 to 1"
    )
    most_per_layer: float = argument(
        FRACTION, 1.0, "largest share of one layer's structures to prune, 0 to 1"
    )
    weights: tuple[str, ...] = weights_argument()

    def build(self, site: Site) -> Pruner:
        groups = self._groups(site)
        if not groups:
            words = "lists no convolution (or its BatchNorm's scale) whose filters can be removed"
            site.problem("weights", words)
        return SlimmingPruner(
            groups,
            site.network.channel_groups(),
            self.desired_sparsity,
            most_per_layer=self.most_per_layer,
        )

    def _groups(self, site: Site) -> list[tuple[tuple[str, str, str], ...]]:
        """Return (weight, scale, shift) of the members of each listed group of layers."""
        listed = set(site.names(self.weights))
        batchnorms = site.network.batchnorms(site.class_name)
        groups = []
        for group in site.network.filter_groups():
            members = []
            for name in group:
                follower = batchnorms.get(name.removesuffix(".weight"))
                if follower is not None:
                    members.append((name, f"{follower}.weight", f"{follower}.bias"))
            wanted = any({weight, scale} & listed for weight, scale, _ in members)
            if wanted and len(members) == len(group):
                groups.append(tuple(members))
        return groups


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
