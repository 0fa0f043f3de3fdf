"""Grouped convolutions: each of their groups must lose as many channels as the others.

A grouped convolution's weight is one tensor for all of its groups, so every group reads and writes
the same number of channels, whichever they are. Channels that are removable beyond what all groups
have in common stay: who masks filters does well to mask a share of each *cell*, of the channels
that are in the same group of every grouped convolution. (Depthwise convolutions, one filter per
channel, do without: there a channel's whole group leaves.)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from vcc.compression.thinning_trace import ChannelGroup, Member, is_depthwise


def is_grouped(module: nn.Module) -> bool:
    """Return whether a module is a grouped convolution that is not depthwise."""
    return isinstance(module, _ConvNd) and module.groups > 1 and not is_depthwise(module)


def equalised(group: ChannelGroup, removed: Tensor) -> Tensor:
    """Return `removed`, bool [n] over `group.roots`, less what would leave unequal groups.

    Of the removable channels of a convolution's group, the last ones stay.
    """
    grouped = [member for member in group.members if is_grouped(member.module)]
    removed = removed.clone()
    # What stays for one convolution may make another's groups unequal.
    while any(_keep_surplus(group, member, removed) for member in grouped):
        pass
    return removed


def balanced_cells(group: ChannelGroup) -> Tensor:
    """Return the cell of each channel, int [n] over `group.roots`: equal shares of cells can go.

    Channels in one cell are in the same group of every grouped convolution that has them.
    """
    labels = [torch.zeros(len(group.roots), dtype=torch.long)]
    for member in group.members:
        if is_grouped(member.module):
            width = _channels(member) // member.module.groups  # type: ignore[operator]
            # Channels that this convolution has not are no part of its groups.
            label = torch.full_like(labels[0], -1)
            label[group.positions(member)] = member.indices // width
            labels.append(label)
    _, cell_of = torch.unique(torch.stack(labels, dim=1), dim=0, return_inverse=True)
    cells: Tensor = cell_of
    return cells


def _keep_surplus(group: ChannelGroup, member: Member, removed: Tensor) -> bool:
    """Clear in `removed` what one convolution's groups lose too many; return if there was any."""
    positions = group.positions(member)
    width = _channels(member) // member.module.groups  # type: ignore[operator]
    of_group = [
        [int(p) for p in positions[member.indices // width == number] if removed[p]]
        for number in range(member.module.groups)  # type: ignore[arg-type]
    ]
    common = min(len(lost) for lost in of_group)
    surplus = [position for lost in of_group for position in lost[common:]]
    removed[surplus] = False
    return bool(surplus)


def _channels(member: Member) -> int:
    name = "in_channels" if member.reads else "out_channels"
    return int(getattr(member.module, name))


def input_indices(module: nn.Module, inputs: Tensor) -> Tensor:
    """Return which columns of each group's filters stay, [groups, kept per group].

    Args:
        module: a grouped convolution.
        inputs: input channels that stay, ascending, as many of each group.
    """
    groups = int(module.groups)  # type: ignore[arg-type]
    width = int(module.in_channels) // groups  # type: ignore[arg-type]
    first = torch.arange(groups, device=inputs.device).unsqueeze(1) * width
    return inputs.view(groups, -1) - first
