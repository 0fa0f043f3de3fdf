"""Groups of layers that lose the same share of their filters, and layers that can be decomposed.

A stage is what has one resolution. Within it, layers that write to a residual stream are one group
and those inside of blocks another: a stream is read by every block, so its channels cost more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import nn

from vcc.compression.channels.graph import filter_groups
from vcc.compression.channels.trace import ChannelGroup
from vcc.compression.decomposition.eligible import eligible_layers
from vcc.compression.schedule.selectors import convolution_kinds
from vcc.compression.thinning.group_masks import prunable_members
from vcc.models.decomposed import SPATIAL_TEMPORAL
from vcc.models.layers import is_depthwise
from vcc.models.summary import layer_table


@dataclass(frozen=True, kw_only=True)
class LayerGroup:
    """Layers that lose the same share of filters.

    Attributes:
        name: such as "stage2.inner".
        weights: of the dense network's layers.
    """

    name: str
    weights: tuple[str, ...]


def layer_groups(model: nn.Module, channels: Sequence[ChannelGroup]) -> tuple[LayerGroup, ...]:
    """Return the groups of a network, in order of their first layers.

    Args:
        model: the dense network.
        channels: its groups of channels, of `trace_channels`.
    """
    prunable = {f"{m.name}.weight" for group in channels for m in prunable_members(group)}
    stage = _stages(model)
    found: dict[str, list[str]] = {}
    for names in filter_groups(model, channels):
        if set(names) & prunable:
            kind = "stream" if sum(_mixes(model, name) for name in names) > 1 else "inner"
            found.setdefault(f"stage{stage[names[0]]}.{kind}", []).extend(names)
    return tuple(LayerGroup(name=name, weights=tuple(names)) for name, names in found.items())


def stage_layers(model: nn.Module, groups: Sequence[LayerGroup]) -> dict[str, tuple[str, ...]]:
    """Return stage -> names of its convolutions and linear layers, of the groups' stages.

    The classifier is in none. Fewer than two stages are none: there is nothing to choose.
    """
    wanted = dict.fromkeys(group.name.partition(".")[0] for group in groups)
    found: dict[str, list[str]] = {stage: [] for stage in wanted}
    head = getattr(model, "head_name", None)
    for weight, number in _stages(model).items():
        layer, stage = weight.removesuffix(".weight"), f"stage{number}"
        if stage in found and layer != head:
            found[stage].append(layer)
    layers = {stage: tuple(names) for stage, names in found.items() if names}
    return layers if len(layers) > 1 else {}


def decomposable(model: nn.Module) -> dict[str, tuple[str, ...]]:
    """Return "stem" and "hidden" -> weights that can become spatial and temporal parts, if any."""
    kinds = convolution_kinds(dict(model.named_modules()))
    found = {}
    for kind in ("stem", "hidden"):
        fit, _ = eligible_layers(model, kinds[kind], SPATIAL_TEMPORAL)
        if fit:
            found[kind] = tuple(f"{name}.weight" for name in fit)
    return found


def _stages(model: nn.Module) -> dict[str, int]:
    """Return weight -> number of its stage, from 1 on in the order of resolutions."""
    numbers: dict[tuple[int, ...], int] = {}
    return {
        f"{name}.weight": numbers.setdefault(resolution, len(numbers) + 1)
        for name, resolution in _resolutions(model)
    }


def _resolutions(model: nn.Module) -> Iterator[tuple[str, tuple[int, ...]]]:
    for row in layer_table(model):
        if isinstance(model.get_submodule(row.name), nn.Conv3d | nn.Linear):
            yield row.name, row.shape[1:]


def _mixes(model: nn.Module, weight: str) -> bool:
    """Return whether a layer reads all channels for each that it writes."""
    return not is_depthwise(model.get_submodule(weight.rpartition(".")[0]))
