"""Which masked channels can go, and for the others, who keeps them.

A channel can go where removing it changes nothing: where everything that reads it reads zeros.
A filter's zeros reach its readers only through its bias, its BatchNorm and whatever follows;
all of them must be zero too. In a residual stream every layer that writes must write zeros.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from vcc.compression.channels.trace import ChannelGroup, Member, is_channel_maker
from vcc.models.layers import is_depthwise


@dataclass(frozen=True)
class GroupState:
    """The state of a group's channels, each vector bool [n] over `ChannelGroup.roots`.

    Attributes:
        group: the channels.
        masked: filter layer's name to the channels that its own mask zeroes; False where it has
            no such channel.
        removable: channels that nobody would miss.
    """

    group: ChannelGroup
    masked: Mapping[str, Tensor]
    removable: Tensor
    _zero_in: Mapping[str, Tensor] = field(repr=False)
    _zero_out: Mapping[str, Tensor] = field(repr=False)

    def reasons(self, channels: Tensor) -> dict[str, int]:
        """Return why channels stay: reason to how many of `channels`, bool [n], have it first."""
        unexplained = channels & ~self.removable
        found: dict[str, int] = {}
        for reason, where in self._reasons():
            hit = unexplained & where
            if hit.any():
                found[reason] = found.get(reason, 0) + int(hit.sum())
                unexplained = unexplained & ~hit
        return found

    def _reasons(self) -> Iterator[tuple[str, Tensor]]:
        everywhere = torch.ones_like(self.removable)
        if self.group.obstacle:
            yield self.group.obstacle, everywhere
        if self.group.is_output:
            yield "they are the network's output", everywhere
        writers = [member for member in self.group.writers if member.name in self._zero_out]
        for member in writers:
            if member.reach.barrier:
                yield f"{member.reach.barrier} behind {member.name} keeps no zeros", everywhere
        for member in writers:
            alive = ~self._zero_out[member.name]
            if isinstance(member.module, _BatchNorm):
                unmasked = f"weight and bias of {member.name} are not masked with the filter"
                yield unmasked, alive & self._zero_in[member.name]
            else:
                unmasked = f"the bias of {member.name} is not masked with the filter"
                yield unmasked, alive & self.masked[member.name]
        for member in writers:
            if is_channel_maker(member.module):
                alive = ~self._zero_out[member.name]
                yield f"coupled with {member.name}, which keeps the channel", alive


def find_group_state(group: ChannelGroup, masked_filters: Mapping[str, Tensor]) -> GroupState:
    """Return what is zero in a group.

    Args:
        group: channels that go together.
        masked_filters: layer name to which of all its filters are masked, bool [out_channels].
            Layers without an entry have none masked.
    """
    members = {m.name: m for m in group.writers if isinstance(m.module, _BatchNorm)}
    makers = {m.name: m for m in group.writers if is_channel_maker(m.module)}
    members |= makers
    masked = {
        name: _over_group(group, member, masked_filters[name][member.indices], absent=False)
        if name in masked_filters
        else torch.zeros(len(group.roots), dtype=torch.bool)
        for name, member in makers.items()
    }
    zero_in: dict[str, Tensor] = {}
    zero_out: dict[str, Tensor] = {}
    for name in _in_order(members):
        sources = [zero_out[s] for s, m in members.items() if name in m.reach.followers]
        silent = torch.zeros(len(group.roots), dtype=torch.bool)
        zero_in[name] = torch.stack(sources).all(dim=0) if sources else silent
        zero_out[name] = _zero_output(group, members[name], zero_in[name], masked.get(name))
    removable = torch.full((len(group.roots),), not (group.obstacle or group.is_output))
    for name, member in members.items():
        if member.reach.barrier:
            removable &= False
        elif member.reach.exposed or not member.reach.followers:
            removable &= zero_out[name]
    return GroupState(group, masked, removable, zero_in, zero_out)


def _in_order(members: Mapping[str, Member]) -> list[str]:
    """Return names so that each comes after those it follows."""
    order: dict[str, None] = {}
    visiting: set[str] = set()

    def visit(name: str) -> None:
        if name in visiting:
            return
        visiting.add(name)
        for source, member in members.items():
            if name in member.reach.followers:
                visit(source)
        order[name] = None

    for name in members:
        visit(name)
    return list(order)


def _zero_output(
    group: ChannelGroup, member: Member, zero_in: Tensor, masked: Tensor | None
) -> Tensor:
    """Return the channels that a layer passes on as zeros; True where it has no such channel."""
    module = member.module
    present = torch.ones(len(member.indices), dtype=torch.bool)
    absent = ~_over_group(group, member, present, absent=False)
    if masked is None:
        # A BatchNorm makes bias - weight * mean / std of zeros.
        own = _is_zero(module.weight, member) & _is_zero(module.bias, member)
        before = zero_in
    else:
        own = present if module.bias is None else _is_zero(module.bias, member)
        before = (masked | zero_in) if is_depthwise(module) else masked
    return (before & _over_group(group, member, own, absent=True)) | absent


def _is_zero(vector: object, member: Member) -> Tensor:
    """Return where a layer's vector is zero at the member's channels; nowhere if there is none."""
    if not isinstance(vector, Tensor):
        return torch.zeros(len(member.indices), dtype=torch.bool)
    return (vector.detach() == 0).cpu()[member.indices]


def _over_group(group: ChannelGroup, member: Member, values: Tensor, *, absent: bool) -> Tensor:
    """Return a member's values, bool [k], over the group's channels.

    A channel with several entries (a flattened map's features) holds where all of them do.
    """
    positions = group.positions(member)
    spread = torch.full((len(group.roots),), absent)
    spread[positions] = True
    spread[positions[~values.cpu()]] = False
    return spread
