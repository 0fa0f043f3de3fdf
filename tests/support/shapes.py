"""Networks of shapes only, as wide as published, for tests of how they are put together."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from vcc.models import build_model
from vcc.models.blueprint import blueprint
from vcc.models.network import VideoNetwork


def shaped(family: str, **options: Any) -> VideoNetwork:
    """Return a network of seven classes on the meta device."""
    with blueprint():
        return build_model(family, n_classes=7, **options).eval()


def shapes_of(
    network: VideoNetwork, names: tuple[str, ...], clip: tuple[int, ...] | None = None
) -> list[tuple[int, ...]]:
    """Return the shapes of some layers' outputs, and of the logits, for a clip of the spec's."""
    seen: dict[str, tuple[int, ...]] = {}
    hooks = [
        network.get_submodule(name).register_forward_hook(
            lambda _, __, out, name=name: seen.__setitem__(name, tuple(out.shape[1:]))
        )
        for name in names
    ]
    with torch.device("meta"):
        logits = network(torch.zeros(2, *(clip or network.spec.clip_shape)))
    for hook in hooks:
        hook.remove()
    return [*(seen[name] for name in names), tuple(logits.shape)]


def count(network: nn.Module, kind: type[nn.Module]) -> int:
    """Return how many modules are of a class."""
    return sum(isinstance(module, kind) for module in network.modules())
