"""Parameters that several filters own together: what stands behind a sum or a concatenation.

A BatchNorm in front of a convolution (pre-activation) or behind a concatenation (DenseNet), and one
that two convolutions share, adds to channels that are zero. Its entry goes with them where every
layer that writes the channel has it masked. What a single layer owns says `coupled_parameters`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from vcc.compression.channels.group_state import AFFINE, in_order, over_group
from vcc.compression.channels.trace import ChannelGroup, Member, is_channel_maker
from vcc.models.layers import is_depthwise


def joint_masks(
    groups: Sequence[ChannelGroup], masked_filters: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Return masks, 1 = keep, of the 1-D parameters that are fed by masked filters only, by name.

    Those are parameters of norms and biases of depthwise convolutions, of groups whose channels
    can go; of the rest nothing is said.

    Args:
        groups: of `trace_channels`.
        masked_filters: layer name to which of its filters are masked, bool [out_channels].
    """
    found: dict[str, Tensor] = {}
    for group in groups:
        if group.is_output or group.obstacle:
            continue
        for member, fed in _fed(group, masked_filters):
            for name, parameter in member.module.named_parameters(recurse=False):
                if parameter.dim() == 1 and len(fed):
                    whole = torch.ones(len(parameter), dtype=torch.bool)
                    found.setdefault(f"{member.name}.{name}", whole)[fed] = False
    return found


def _fed(
    group: ChannelGroup, masked_filters: Mapping[str, Tensor]
) -> Iterator[tuple[Member, Tensor]]:
    """Yield norms and depthwise convolutions with those of their channels that are fed zeros."""
    members = {m.name: m for m in group.writers if isinstance(m.module, AFFINE) or _is_maker(m)}
    zero_out: dict[str, Tensor] = {}
    asked = _nowhere(group)
    fed: dict[str, Tensor] = {}
    for name in in_order(members):
        member = members[name]
        sources = [zero_out[s] for s, m in members.items() if name in m.reach.followers]
        zero_in = torch.stack(sources).all(dim=0) if sources else _nowhere(group)
        present = torch.ones(len(member.indices), dtype=torch.bool)
        absent = ~over_group(group, member, present, absent=False)
        passes = not _is_maker(member) or is_depthwise(member.module)
        masked = _nowhere(group)
        if name in masked_filters and _is_maker(member):
            own = masked_filters[name][member.indices]
            masked = over_group(group, member, own, absent=False)
        zero_out[name] = masked | absent | (zero_in if passes else _nowhere(group))
        asked = asked | masked
        if passes:
            fed[name] = zero_in
    for name, zero_in in fed.items():
        member = members[name]
        # Padding alone is zeros too, that nobody asked for.
        yield member, member.indices[(zero_in & asked)[group.positions(member)]]


def _is_maker(member: Member) -> bool:
    return is_channel_maker(member.module)


def _nowhere(group: ChannelGroup) -> Tensor:
    return torch.zeros(len(group.roots), dtype=torch.bool)
