"""Parameters as they were in float, for layers that go back to it."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from vcc.models.quantized.plan import quantizers_by_layer, set_quantizers

_MENDED = ("weight", "bias")


class FloatParameters:
    """Holds weights and biases of layers as they are now, before something changes them.

    Args:
        model: the network.
        names: of its layers.
    """

    def __init__(self, model: nn.Module, names: Iterable[str] = ()) -> None:
        self._held = {name: _copies(model.get_submodule(name)) for name in names}

    def put_back(self, model: nn.Module, name: str) -> None:
        """Give a layer what it had, if it is held."""
        _set(model.get_submodule(name), self._held.get(name, {}))


class Precisions:
    """Switches layers of a quantized network between float and integers.

    In float a layer computes with the parameters that it had before it was mended for integers.

    Args:
        model: with quantizers.
        floats: parameters before they were mended; None: they were not.
    """

    def __init__(self, model: nn.Module, floats: FloatParameters | None = None) -> None:
        self.model, self.floats = model, floats or FloatParameters(model)
        self.layers = quantizers_by_layer(model)
        self._integers = {name: _copies(model.get_submodule(name)) for name in self.layers}

    def to_float(self, name: str) -> None:
        """Take a layer's quantizers off."""
        set_quantizers(self.model, name, None)
        self.floats.put_back(self.model, name)

    def to_integers(self, name: str) -> None:
        """Put a layer's quantizers back."""
        set_quantizers(self.model, name, self.layers[name])
        _set(self.model.get_submodule(name), self._integers[name])


def _copies(layer: nn.Module) -> dict[str, Tensor]:
    own = {key: layer._parameters.get(key) for key in _MENDED}
    return {key: each.detach().clone() for key, each in own.items() if each is not None}


@torch.no_grad()
def _set(layer: nn.Module, values: dict[str, Tensor]) -> None:
    for key, value in values.items():
        layer.get_parameter(key).copy_(value)
