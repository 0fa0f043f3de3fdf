"""Parameters that belong to no layer, and which of their dimensions has an entry for each channel.

LayerScale multiplies each channel by one, a positional embedding adds one for each channel and
place. No type says so, and a dimension of the channels' size may be one of places. So it is tried:
NaN in one entry spreads as far as that entry reaches, and the first layer behind shows where.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.parametrize import ParametrizationList

from vcc.compression.channels.unchanged import random_like
from vcc.compression.channels.zeros import input_dim
from vcc.models.modes import evaluating
from vcc.models.norms import THINNED_NORMS

_OF_LAYERS = (
    *(_ConvNd, nn.Linear, _NormBase, nn.GroupNorm, nn.LayerNorm, nn.PReLU),
    *(nn.MultiheadAttention, nn.RNNBase, nn.Embedding, ParametrizationList, *THINNED_NORMS),
)


@dataclass(frozen=True)
class Place:
    """Where a parameter's channels are.

    Attributes:
        name: of the parameter, with its module's.
        dim: the dimension that they lie along; None: each entry reaches all channels.
    """

    name: str
    dim: int | None


def bare_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Yield the parameters, by name, that are of no layer whose channels are known."""
    for layer, module in model.named_modules():
        if not isinstance(module, _OF_LAYERS):
            for name, parameter in module.named_parameters(recurse=False):
                yield f"{layer}.{name}" if layer else name, parameter


def places_of_parameters(model: nn.Module, example_input: Tensor) -> tuple[Place, ...]:
    """Return where the channels of bare parameters are, for those of which a run shows it.

    Args:
        model: the network; it stays as it is.
        example_input: a batch that it accepts.
    """
    found = []
    clip = random_like(example_input)
    with evaluating(model), torch.no_grad():
        for name, parameter in bare_parameters(model):
            seen = {
                dim: _reached(model, parameter, dim, clip)
                for dim, size in enumerate(parameter.shape)
                if size > 1 and parameter.is_floating_point()
            }
            along = [dim for dim, reach in seen.items() if reach == _ONE]
            if len(along) == 1:
                found.append(Place(name, along[0]))
            elif seen and all(reach == _ALL for reach in seen.values()):
                found.append(Place(name, None))
    return tuple(found)


_ONE, _ALL, _OTHER = "one", "all", "other"


def _reached(model: nn.Module, parameter: nn.Parameter, dim: int, clip: Tensor) -> str:
    """Return which channels of the first layer behind see the last entry along a dimension."""
    entry = parameter.select(dim, -1)
    before = entry.clone()
    readers: list[Tensor] = []
    hooks = [
        module.register_forward_pre_hook(_look(readers, channels))
        for module in model.modules()
        if (channels := input_dim(module)) is not None
    ]
    try:
        entry.fill_(torch.nan)
        model(clip.clone())
    except Exception:  # noqa: BLE001 - what refuses NaN shows nothing
        return _OTHER
    finally:
        entry.copy_(before)
        for hook in hooks:
            hook.remove()
    if not readers:
        return _OTHER
    if bool(readers[0].all()):
        return _ALL
    alone = readers[0].nonzero().flatten().tolist() == [parameter.shape[dim] - 1]
    return _ONE if alone and len(readers[0]) == parameter.shape[dim] else _OTHER


def _look(readers: list[Tensor], dim: int) -> Any:
    def hook(module: nn.Module, args: tuple[Any, ...]) -> None:
        if not readers and args and isinstance(args[0], Tensor):
            spoilt = args[0].isnan().movedim(dim, 0).flatten(1).any(dim=1).cpu()
            if bool(spoilt.any()):
                readers.append(spoilt)

    return hook
