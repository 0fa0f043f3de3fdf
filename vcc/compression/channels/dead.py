"""Filters that may leave for other reasons than their own mask: zero, or with a dead channel.

A channel is dead where every layer that reads it has zero weights for it (channel pruning). The
weights of its filter do not matter then; it is given a mask of its own here, so that thinning
removes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from vcc.compression.channels.graph import coupled_parameters
from vcc.compression.channels.joint import joint_masks
from vcc.compression.channels.trace import ChannelGroup, is_channel_maker

Masks = Mapping[str, Tensor | None]


def masks_of_zeros(model: nn.Module, masks: Masks) -> dict[str, Tensor]:
    """Return masks for convolutions with filters that are zero throughout, joined with `masks`."""
    found = {}
    for name, module in model.named_modules():
        if not isinstance(module, _ConvNd):
            continue
        weight = f"{name}.weight"
        zero = (module.weight.detach() == 0).flatten(1).all(dim=1)
        if bool(zero.any()):
            found[weight] = _with_filters_masked(module.weight, masks.get(weight), zero)
    return found


def masks_of_dead_channels(masks: Masks, groups: Sequence[ChannelGroup]) -> dict[str, Tensor]:
    """Return masks for layers with filters whose channels are dead, joined with `masks`.

    Args:
        masks: parameter name to its mask, 1 = keep.
        groups: of `trace_channels`.
    """
    found: dict[str, Tensor] = {}
    for group in groups:
        if group.obstacle or group.is_output:
            continue
        dead = dead_channels(group)
        for member in group.writers:
            if not is_channel_maker(member.module):
                continue
            weight = member.module.get_parameter("weight")
            filters = torch.zeros(weight.shape[0], dtype=torch.bool)
            filters[member.indices[dead[group.positions(member)]]] = True
            if bool(filters.any()):
                name = f"{member.name}.weight"
                before = found.get(name, masks.get(name))
                found[name] = _with_filters_masked(weight, before, filters)
    return found


def dead_channels(group: ChannelGroup) -> Tensor:
    """Return where every reader of a group has zero weights, bool [n] over its channels.

    Nowhere, where nothing reads them or where a reader is grouped.
    """
    readers = [member for member in group.members if member.reads]
    dead = torch.full((len(group.roots),), bool(readers))
    for member in readers:
        weight = member.module.weight
        if not isinstance(weight, Tensor) or getattr(member.module, "groups", 1) != 1:
            return torch.zeros_like(dead)
        others = [dim for dim in range(weight.dim()) if dim != 1]
        zero = (weight.detach() == 0).cpu().amin(dim=others)
        positions = group.positions(member)
        dead[positions[~zero[member.indices]]] = False
    return dead


@torch.no_grad()
def zero_filters_(model: nn.Module, masks: Masks, groups: Sequence[ChannelGroup]) -> None:
    """Zero, in place, filters that are masked as a whole, and what else is theirs.

    That is their weights, biases and BatchNorm entries (`coupled_parameters`), and the entries of
    norms and depthwise convolutions behind sums and concatenations all of whose channels are zero
    then: their channels are zero, too.

    Args:
        model: the network.
        masks: weight name to its mask, of the weight's shape, 1 = keep.
        groups: of `trace_channels`.
    """
    parameters = dict(model.named_parameters(remove_duplicate=False))
    filters: dict[str, Tensor] = {}
    for name, vectors in coupled_parameters(model, groups).items():
        mask = masks.get(name)
        if mask is None:
            continue
        alive = mask.flatten(1).any(dim=1)
        filters[name.removesuffix(".weight")] = ~alive.cpu()
        if bool(alive.all()):
            continue
        for target in (name, *vectors):
            parameter = parameters[target]
            parameter[~alive.to(parameter.device)] = 0
    for name, keep in joint_masks(groups, filters).items():
        parameters[name][~keep.to(parameters[name].device)] = 0


def _with_filters_masked(weight: Tensor, mask: Tensor | None, filters: Tensor) -> Tensor:
    keep = torch.ones_like(weight, dtype=torch.bool) if mask is None else mask.clone()
    keep[filters.to(keep.device)] = False
    return keep
