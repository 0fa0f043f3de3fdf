"""Layers that move channels about, as Torch-Pruning's graph must know them.

The graph follows sums and concatenations by itself. What a layer with a structure of its own does
to channel numbers it cannot see: each has a pair of maps here, between the numbers of its output
and those of its input. Maps stand on the edges to a layer's inputs, so that the layer itself counts
in output channels; the graph keeps its own maps of concatenations beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch_pruning as tp
from torch import nn

from vcc.models.layers import ChannelPad, ChannelPart, ChannelShuffle, ChannelSplit
from vcc.models.norms import THINNED_NORMS

# Layers without weights that only pass channels on, each with `n_out` of them.
MOVERS = (ChannelPad, ChannelPart, ChannelShuffle)

# Returns the channel on the other side, or None where there is none.
_Map = Callable[[int], int | None]


class _MoverPruner(tp.BasePruningFunc):  # type: ignore[misc]
    """Tells Torch-Pruning that a layer has channels; they are removed elsewhere."""

    def prune_out_channels(self, layer: nn.Module, idxs: list[int]) -> nn.Module:
        return layer

    # The same function for both couples input and output channels.
    prune_in_channels = prune_out_channels

    def get_out_channels(self, layer: nn.Module) -> int:
        return int(layer.n_out)  # type: ignore[arg-type]

    get_in_channels = get_out_channels


class _IndexMap:
    """A map over the graph's indices, each a channel with the root channel that it goes with."""

    def __init__(self, of_channel: _Map) -> None:
        self.of_channel = of_channel

    def __call__(self, indices: list[Any]) -> list[Any]:
        moved = ((index, self.of_channel(index.idx)) for index in indices)
        return [index._replace(idx=channel) for index, channel in moved if channel is not None]


def register_movers(graph: Any) -> None:
    """Make a dependency graph, yet to be built, see layers of this project as layers."""
    for kind in (*MOVERS, *THINNED_NORMS):
        graph.register_customized_layer(kind, _MoverPruner())


def map_movers(graph: Any, model: nn.Module) -> None:
    """Give a built graph the maps of a model's layers that move channels."""
    for module, to_input, to_output in _maps(model):
        node = graph.module2node.get(module)
        if node is None:
            continue
        for dependency in node.dependencies:
            if dependency.target in node.inputs:
                dependency.index_mapping[0] = _IndexMap(to_input)
        for source in node.inputs:
            for dependency in source.dependencies:
                if dependency.target is node:
                    dependency.index_mapping[0] = _IndexMap(to_output)


def _maps(model: nn.Module) -> Iterator[tuple[nn.Module, _Map, _Map]]:
    """Yield each layer with its maps: output channel to input channel, and back."""
    for module in model.modules():
        if isinstance(module, ChannelPad):
            yield module, _below(module.n_in), _below(module.n_in)
        elif isinstance(module, ChannelShuffle):
            order = module.order
            place = {channel: number for number, channel in enumerate(order)}
            yield module, order.__getitem__, place.__getitem__
        elif isinstance(module, ChannelSplit):
            for part, start in zip(module.parts, module.starts, strict=True):
                yield part, _shifted(start), _within(start, int(part.n_out))  # type: ignore[arg-type]


def _below(n: int) -> _Map:
    return lambda channel: channel if channel < n else None


def _shifted(start: int) -> _Map:
    return lambda channel: channel + start


def _within(start: int, n: int) -> _Map:
    return lambda channel: channel - start if start <= channel < start + n else None
