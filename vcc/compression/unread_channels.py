"""Filters that may leave for other reasons than their own mask: zero, or read by nobody.

A filter's output is unread where every layer that reads it has zero weights for that input channel
(channel pruning). Its weights do not matter then; it is given a mask of its own here, so that
thinning removes it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from vcc.compression.channel_graph import coupled_parameters
from vcc.compression.thinning_trace import ChannelGroup, is_channel_maker, trace_channels

Masks = Mapping[str, Tensor | None]


def zero_filters(model: nn.Module, masks: Masks) -> dict[str, Tensor]:
    """Return masks for convolutions with filters that are zero throughout, joined with `masks`."""
    found = {}
    for name, module in model.named_modules():
        if not isinstance(module, _ConvNd):
            continue
        weight = f"{name}.weight"
        dead = (module.weight.detach() == 0).flatten(1).all(dim=1)
        if bool(dead.any()):
            found[weight] = _with_filters_masked(module.weight, masks.get(weight), dead)
    return found


def unread_filters(model: nn.Module, masks: Masks, example_input: Tensor) -> dict[str, Tensor]:
    """Return masks for layers with filters that nothing reads, joined with `masks`."""
    found: dict[str, Tensor] = {}
    for group in trace_channels(model, example_input):
        if group.obstacle or group.is_output:
            continue
        unread = _unread(group)
        for member in group.writers:
            if not is_channel_maker(member.module):
                continue
            weight = member.module.get_parameter("weight")
            dead = torch.zeros(weight.shape[0], dtype=torch.bool)
            dead[member.indices[unread[group.positions(member)]]] = True
            if bool(dead.any()):
                name = f"{member.name}.weight"
                before = found.get(name, masks.get(name))
                found[name] = _with_filters_masked(weight, before, dead)
    return found


def silence_filters(model: nn.Module, masks: Masks, example_input: Tensor) -> None:
    """Zero the weights, biases and BatchNorm entries of filters that are masked as a whole."""
    parameters = dict(model.named_parameters(remove_duplicate=False))
    for name, vectors in coupled_parameters(model, example_input).items():
        mask = masks.get(name)
        if mask is None:
            continue
        alive = mask.flatten(1).any(dim=1)
        if bool(alive.all()):
            continue
        for target in (name, *vectors):
            data = parameters[target].data
            data[~alive.to(data.device)] = 0


def _unread(group: ChannelGroup) -> Tensor:
    """Return where every reader has zero weights, bool [n] over the group's channels."""
    readers = [member for member in group.members if member.reads]
    unread = torch.full((len(group.roots),), bool(readers))
    for member in readers:
        weight = member.module.weight
        if not isinstance(weight, Tensor) or getattr(member.module, "groups", 1) != 1:
            return torch.zeros_like(unread)
        others = [dim for dim in range(weight.dim()) if dim != 1]
        dead = (weight.detach() == 0).cpu().amin(dim=others)
        positions = group.positions(member)
        unread[positions[~dead[member.indices]]] = False
    return unread


def _with_filters_masked(weight: Tensor, mask: Tensor | None, dead: Tensor) -> Tensor:
    keep = torch.ones_like(weight, dtype=torch.bool) if mask is None else mask.clone()
    keep[dead.to(keep.device)] = False
    return keep
