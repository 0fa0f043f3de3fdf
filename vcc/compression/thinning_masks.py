"""Filter masks that thinning can act on: every group of coupled channels is masked as one.

The weakest channels of a group go first. A channel's strength is the L1 norm of its filter
relative to the layer's mean, averaged over the layers that have the channel (Li et al. 2017,
"Pruning filters for efficient ConvNets", for coupled layers). Where grouped convolutions write or
read the channels, each of their groups loses the same share.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from vcc.compression.channel_graph import coupled_parameters
from vcc.compression.thinning_grouped import balanced_cells
from vcc.compression.thinning_trace import ChannelGroup, Member, is_channel_maker


def group_masks(
    groups: tuple[ChannelGroup, ...],
    sparsity_of: Callable[[tuple[str, ...]], float],
    *,
    round_to: int = 1,
) -> dict[str, Tensor]:
    """Return a filter mask, bool of the weight's shape, for every filter layer of every group.

    Args:
        groups: of `trace_channels`.
        sparsity_of: maps a group's weights to the share of its channels to mask, 0
            to 1; at least one channel is left, and the share is rounded down.
        round_to: masks leave a multiple of this many channels, where the group has that many.
    """
    masks: dict[str, Tensor] = {}
    for group in groups:
        members = prunable_members(group)
        if not members:
            continue
        names = tuple(f"{member.name}.weight" for member in members)
        dead = _weakest_of_cells(group, _strength(group, members), sparsity_of(names), round_to)
        for name, member in zip(names, members, strict=True):
            weight = member.module.get_parameter("weight")
            mask = masks.setdefault(name, torch.ones(weight.shape, dtype=torch.bool))
            mask[member.indices[dead[group.positions(member)]]] = False
    return masks


def prunable_members(group: ChannelGroup) -> tuple[Member, ...]:
    """Return the layers whose filters a group's channels are; none where they must stay.

    Those are convolutions and hidden linear layers.
    """
    if group.obstacle or group.is_output:
        return ()
    return tuple(m for m in group.writers if is_channel_maker(m.module))


def apply_masks_(model: nn.Module, masks: dict[str, Tensor], example_input: Tensor) -> None:
    """Zero masked filters, and the biases and BatchNorm entries that are theirs, in place."""
    coupled = coupled_parameters(model, example_input)
    with torch.no_grad():
        for name, mask in masks.items():
            dead = ~mask.flatten(1).any(dim=1)
            for owned in (name, *coupled.get(name, ())):
                parameter = model.get_parameter(owned)
                parameter[dead.to(parameter.device)] = 0


def _strength(group: ChannelGroup, members: tuple[Member, ...]) -> Tensor:
    total = torch.zeros(len(group.roots), dtype=torch.float64)
    count = torch.zeros_like(total)
    for member in members:
        weight = member.module.get_parameter("weight").detach()
        norms = weight.abs().flatten(1).sum(dim=1).double().cpu()
        relative = norms / norms.mean().clamp_min(torch.finfo(torch.float64).tiny)
        positions = group.positions(member)
        total[positions] += relative[member.indices]
        count[positions] += 1
    return total / count.clamp_min(1)


def _weakest_of_cells(
    group: ChannelGroup, strength: Tensor, sparsity: float, round_to: int
) -> Tensor:
    """Return bool [n]: the same share of the channels of each cell, the weakest ones."""
    cells = balanced_cells(group)
    count = int(cells.max()) + 1
    dead = torch.zeros(len(strength), dtype=torch.bool)
    for cell in range(count):
        # What is left of all cells together is then the multiple that was asked for.
        dead[cells == cell] = _weakest(
            strength[cells == cell], sparsity, round_to // math.gcd(round_to, count)
        )
    return dead


def _weakest(strength: Tensor, sparsity: float, round_to: int) -> Tensor:
    """Return bool [n]: the channels to mask, ties by number."""
    n = len(strength)
    # The small term keeps 0.3 * 10 at 3 although its binary value is just below.
    left = n - int(sparsity * n + 1e-9)
    left = min(n, max(round_to, -(-left // round_to) * round_to))
    dead = torch.zeros(n, dtype=torch.bool)
    dead[torch.argsort(strength, stable=True)[: n - left]] = True
    return dead
