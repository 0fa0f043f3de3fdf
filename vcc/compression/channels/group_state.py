"""Which masked channels can go, and for the others, who keeps them.

A channel can go where removing it changes nothing: where everything that reads it reads zeros,
which `zeros_read` finds by running. The rest here is for words on what stays. A filter's zeros
reach its readers only through its bias, its BatchNorm and whatever follows; all of them must be
zero too. In a residual stream every layer that writes must write zeros.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from vcc.compression.channels.trace import ChannelGroup, Member, is_channel_maker, width
from vcc.compression.channels.zeros import ZerosRead
from vcc.models.layers import is_depthwise
from vcc.models.norms import NORMS_OVER_CHANNELS

# Layers without filters that have something for each channel.
AFFINE = (_NormBase, nn.PReLU, *NORMS_OVER_CHANNELS)


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
            alive = ~self._zero_out[member.name]
            if not is_channel_maker(member.module):
                unmasked = f"weight and bias of {member.name} are not masked with the filter"
                yield unmasked, alive & self._zero_in[member.name]
            else:
                unmasked = f"the bias of {member.name} is not masked with the filter"
                yield unmasked, alive & self.masked[member.name]
        for member in writers:
            if is_channel_maker(member.module):
                alive = ~self._zero_out[member.name]
                yield f"coupled with {member.name}, which keeps the channel", alive
        readers = ", ".join(member.name for member in _readers(self.group))
        yield f"an operation in front of {readers or 'the output'} keeps no zeros", everywhere


def find_group_state(
    group: ChannelGroup, masked_filters: Mapping[str, Tensor], zeros: ZerosRead
) -> GroupState:
    """Return what is zero in a group.

    Args:
        group: channels that go together.
        masked_filters: layer name to which of all its filters are masked, bool [out_channels].
            Layers without an entry have none masked.
        zeros: of `zeros_read`.
    """
    makers = {m.name: m for m in group.writers if is_channel_maker(m.module)}
    members = {m.name: m for m in group.writers if isinstance(m.module, AFFINE)} | makers
    masked = {
        name: over_group(group, member, masked_filters[name][member.indices], absent=False)
        if name in masked_filters
        else torch.zeros(len(group.roots), dtype=torch.bool)
        for name, member in makers.items()
    }
    zero_in: dict[str, Tensor] = {}
    zero_out: dict[str, Tensor] = {}
    for name in in_order(members):
        sources = [zero_out[s] for s, m in members.items() if name in m.reach.followers]
        silent = torch.zeros(len(group.roots), dtype=torch.bool)
        zero_in[name] = torch.stack(sources).all(dim=0) if sources else silent
        zero_out[name] = _zero_output(group, members[name], zero_in[name], masked.get(name))
    removable = _any(masked.values(), len(group.roots))
    if group.obstacle or group.is_output:
        removable &= False
    else:
        removable &= _read_as_zeros(group, zeros, zero_out)
    return GroupState(group, masked, removable, zero_in, zero_out)


def _any(masked: Iterable[Tensor], n: int) -> Tensor:
    """Return where a filter is masked: what is zero for other reasons was not asked for."""
    return torch.stack([torch.zeros(n, dtype=torch.bool), *masked]).any(dim=0)


def _read_as_zeros(group: ChannelGroup, zeros: ZerosRead, zero_out: Mapping[str, Tensor]) -> Tensor:
    """Return where all that reads a group's channels reads zeros, or nothing reads and all are."""
    found = [torch.ones(len(group.roots), dtype=torch.bool)]
    for member in _readers(group):
        # A layer whose weight is used without a call of it was not seen.
        unseen = torch.zeros(width(member.module, reads=True), dtype=torch.bool)
        read = zeros.get(member.name, unseen)[member.indices]
        found.append(over_group(group, member, read, absent=True))
    return torch.stack([*found, *([] if len(found) > 1 else zero_out.values())]).all(dim=0)


def _readers(group: ChannelGroup) -> list[Member]:
    """Return the layers that channels are missed by where they are not zero."""
    return [m for m in group.members if m.reads or isinstance(m.module, NORMS_OVER_CHANNELS)]


def in_order(members: Mapping[str, Member]) -> list[str]:
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
    absent = ~over_group(group, member, present, absent=False)
    if isinstance(module, nn.PReLU):
        own, before = present, zero_in
    elif masked is None:
        # A BatchNorm makes bias - weight * mean / std of zeros.
        shift = present if module.bias is None else _is_zero(module.bias, member)
        own = _is_zero(module.weight, member) & shift
        before = zero_in
    else:
        own = present if module.bias is None else _is_zero(module.bias, member)
        before = (masked | zero_in) if is_depthwise(module) else masked
    return (before & over_group(group, member, own, absent=True)) | absent


def _is_zero(vector: object, member: Member) -> Tensor:
    """Return where a layer's vector is zero at the member's channels; nowhere if there is none."""
    if not isinstance(vector, Tensor) or vector.dim() > 1:
        return torch.zeros(len(member.indices), dtype=torch.bool)
    return (vector.detach() == 0).cpu()[member.indices]


def over_group(group: ChannelGroup, member: Member, values: Tensor, *, absent: bool) -> Tensor:
    """Return a member's values, bool [k], over the group's channels.

    A channel with several entries (a flattened map's features) holds where all of them do.
    """
    positions = group.positions(member)
    spread = torch.full((len(group.roots),), absent)
    spread[positions] = True
    spread[positions[~values.cpu()]] = False
    return spread
