"""Filter masks that thinning can act on: every group of coupled channels is masked as one.

The weakest channels of a group go first. A channel's strength is the L1 norm of its filter
relative to the layer's mean, averaged over the layers that have the channel (Li et al. 2017,
"Pruning filters for efficient ConvNets", for coupled layers). Where grouped convolutions write or
read the channels, each of their groups loses the same share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vcc.compression.channels.filters import filter_members, filters_kept, group_scores
from vcc.compression.channels.trace import ChannelGroup, Member
from vcc.compression.channels.weakest import weakest_channels
from vcc.compression.masks.structures import spread


def group_masks(
    groups: Sequence[ChannelGroup],
    sparsity_of: Callable[[tuple[str, ...]], float],
    *,
    round_to: int = 1,
) -> dict[str, Tensor]:
    """Return a filter mask, bool of the weight's shape, for every filter layer of every group.

    Args:
        groups: of `trace_channels`.
        sparsity_of: maps a group's weights to the share of its channels to mask, 0
            to 1; at least one channel is left, and the share is rounded down. Where grouped
            convolutions have the channels, to what leaves their groups equal.
        round_to: masks leave a multiple of this many channels, where the group has that many and
            no grouped convolution asks for others.
    """
    strengths: list[Tensor] = []
    counts: list[int] = []
    names: dict[str, None] = {}
    for group in groups:
        members = tuple(f"{member.name}.weight" for member in prunable_members(group))
        names |= dict.fromkeys(members)
        strengths.append(_strength(group))
        n = len(group.roots)
        counts.append(_count(n, sparsity_of(members), round_to) if members else 0)
    kept = filters_kept(groups, weakest_channels(groups, strengths, counts), names)
    shapes = {
        f"{member.name}.weight": member.module.get_parameter("weight").shape
        for group in groups
        for member in prunable_members(group)
    }
    return {name: spread(keep, shapes[name], (0,)) for name, keep in kept.items()}


def prunable_members(group: ChannelGroup) -> tuple[Member, ...]:
    """Return the layers whose filters a group's channels are; none where they must stay.

    Those are convolutions and hidden linear layers.
    """
    return () if group.obstacle else filter_members(group)


def _strength(group: ChannelGroup) -> Tensor:
    scores = {}
    for member in prunable_members(group):
        weight = member.module.get_parameter("weight").detach()
        norms = weight.abs().flatten(1).sum(dim=1).double().cpu()
        relative = norms / norms.mean().clamp_min(torch.finfo(torch.float64).tiny)
        scores[f"{member.name}.weight"] = relative
    return group_scores(group, scores)


def _count(n: int, sparsity: float, round_to: int) -> int:
    """Return how many of n channels a sparsity masks."""
    # The small term keeps 0.3 * 10 at 3 although its binary value is just below.
    left = n - int(sparsity * n + 1e-9)
    return n - min(n, max(round_to, -(-left // round_to) * round_to))
