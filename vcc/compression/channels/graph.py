"""Which parameters and filters belong together: what masking and pruning must know of a network.

Names are those of the model's parameters. The classifier is in no group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from torch import nn
from torch.nn.modules.conv import _ConvNd

from vcc.compression.channels.trace import ChannelGroup, Member, is_channel_maker


def coupled_parameters(
    model: nn.Module, groups: Sequence[ChannelGroup]
) -> dict[str, tuple[str, ...]]:
    """Return, for every layer's weight, the 1-D parameters that its filters also own.

    Entry i of these belongs to filter i of a convolution, or to row i of a hidden linear layer: the
    layer's bias, and weight and bias of its BatchNorm. Zero all of them with the filter and the
    channel is zero, whatever the BatchNorm's statistics. A depthwise convolution that follows has
    the same channels, so its bias and its BatchNorm are included. What comes behind the sum of a
    residual block is not: other layers write there too. Nor is what comes behind a shuffle, where
    entry i belongs to another filter.

    Args:
        model: the network.
        groups: its groups of channels, of `trace_channels`.
    """
    members: dict[str, Member] = {}
    for group in groups:
        if not group.is_output:
            members |= {member.name: member for member in group.writers}
    return {
        f"{name}.weight": tuple(_vectors_along(name, members))
        for name, _ in _makers(model)
        if name in members
    }


def filter_groups(model: nn.Module, groups: Sequence[ChannelGroup]) -> list[tuple[str, ...]]:
    """Return the weights whose filters must go together, in order of definition.

    Every convolution, and every hidden linear layer, whose rows are its filters, is in exactly one
    group, often alone; together are those that write to one
    residual stream, and a convolution with the depthwise ones that follow it. Mostly filter i of
    one goes with filter i of the others, or with none where a stream is padded (shortcut A); where
    layers are concatenated or shuffled numbers differ, and `trace_channels` says which.

    Args:
        model: the network.
        groups: its groups of channels, of `trace_channels`.
    """
    leader = {name: name for name, _ in _makers(model)}
    # A linear layer outside the trace may be anything: it is left alone.
    outputs = {name for name, module in _makers(model) if not isinstance(module, _ConvNd)}
    outputs -= {member.name for group in groups for member in group.writers}
    for group in groups:
        names = [member.name for member in group.writers if member.name in leader]
        if group.is_output:
            outputs.update(names)
        _merge(leader, names)
    together: dict[str, list[str]] = {}
    for name in leader:
        if name not in outputs:
            together.setdefault(leader[name], []).append(f"{name}.weight")
    return [tuple(names) for names in together.values()]


def _makers(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, module in model.named_modules():
        if is_channel_maker(module):
            yield name, module


def _vectors_along(name: str, members: Mapping[str, Member]) -> Iterator[str]:
    """Yield the 1-D parameters of a layer and of the layers that only it feeds."""
    seen: dict[str, None] = {}
    todo = [name]
    while todo:
        owner = todo.pop(0)
        if owner not in seen:
            seen[owner] = None
            todo.extend(members[owner].reach.chain)
    for owner in seen:
        for parameter, tensor in members[owner].module.named_parameters(recurse=False):
            if tensor.dim() == 1:
                yield f"{owner}.{parameter}"


def _merge(leader: dict[str, str], names: list[str]) -> None:
    """Give all groups that `names` are in the same leader, the first of them."""
    merged = {leader[name] for name in names}
    first = next((name for name in leader if name in merged), "")
    for name, lead in leader.items():
        if lead in merged:
            leader[name] = first
