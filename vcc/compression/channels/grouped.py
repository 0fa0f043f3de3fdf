"""Grouped convolutions: each of their groups must lose as many channels as the others.

A grouped convolution's weight is one tensor for all of its groups, so every group reads and writes
the same number of channels, whichever they are. Channels that are removable beyond what all groups
have in common stay: who masks filters asks `weakest_channels`, so that few are. (Depthwise
convolutions, one filter per channel, do without: there a channel's whole group leaves.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from vcc.compression.channels.trace import ChannelGroup, Member
from vcc.models.layers import is_depthwise


def is_grouped(module: nn.Module) -> bool:
    """Return whether a module is a grouped convolution that is not depthwise."""
    return isinstance(module, _ConvNd) and module.groups > 1 and not is_depthwise(module)


@dataclass(frozen=True)
class Side:
    """The input or the output of a grouped convolution.

    Attributes:
        channels: its channels, numbered through all groups of channels in a row, [m].
        runs: which of the convolution's groups has each, [m].
        n_runs: how many groups the convolution has.
    """

    channels: Tensor
    runs: Tensor
    n_runs: int


def grouped_sides(groups: Sequence[ChannelGroup]) -> list[Side]:
    """Return the sides of all grouped convolutions that have channels of `groups`.

    One side may have channels of several groups, where layers are concatenated.
    """
    pieces: dict[tuple[str, bool], list[tuple[Tensor, Tensor]]] = {}
    runs_of: dict[tuple[str, bool], int] = {}
    start = 0
    for group in groups:
        for member in group.members:
            if is_grouped(member.module):
                side = (member.name, member.reads)
                runs_of[side] = int(member.module.groups)  # type: ignore[arg-type]
                run = torch.div(
                    member.indices, _channels(member) // runs_of[side], rounding_mode="floor"
                )
                pieces.setdefault(side, []).append((group.positions(member) + start, run))
        start += len(group.roots)
    return [
        Side(torch.cat([c for c, _ in found]), torch.cat([r for _, r in found]), runs_of[side])
        for side, found in pieces.items()
    ]


def equalised(groups: Sequence[ChannelGroup], removed: Sequence[Tensor]) -> list[Tensor]:
    """Return `removed`, a bool [n] over the roots of each group, less what leaves groups unequal.

    Of the removable channels of a convolution's group, the last ones stay.
    """
    if not groups:
        return []
    gone = torch.cat(list(removed))
    sides = grouped_sides(groups)
    # What stays for one convolution may make another's groups unequal.
    while any(_keep_surplus(side, gone) for side in sides):
        pass
    return list(torch.split(gone, [len(group.roots) for group in groups]))


def _keep_surplus(side: Side, gone: Tensor) -> bool:
    """Clear in `gone` what one side's groups lose too many; return if there was any."""
    lost = gone[side.channels]
    counts = torch.bincount(side.runs[lost], minlength=side.n_runs)
    common = int(counts.min())
    for run in (counts > common).nonzero().flatten().tolist():
        gone[side.channels[lost & (side.runs == run)][common:]] = False
    return bool((counts > common).any())


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
