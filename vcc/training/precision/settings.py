"""The arithmetic of a training: number format, memory layout, and the layers kept in float32.

Lightning runs the mixed precision itself (`autocast`, and a gradient scaler for float16). What is
here says which of it a training uses, and keeps single layers out of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

TrainerPrecision = Literal["32-true", "bf16-mixed", "16-mixed"]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_TRAINER: dict[str, TrainerPrecision] = {
    "fp32": "32-true",
    "bf16": "bf16-mixed",
    "fp16": "16-mixed",
}


@dataclass(frozen=True, order=True)
class PrecisionVariant:
    """A number format and a memory layout.

    Attributes:
        number: fp32, bf16 or fp16.
        channels_last: weights and activations have their channels innermost.
    """

    number: str = "fp32"
    channels_last: bool = False

    @property
    def name(self) -> str:
        """As it is printed and logged: "bf16 channels_last_3d"."""
        return f"{self.number} {'channels_last_3d' if self.channels_last else 'contiguous'}"

    @property
    def dtype(self) -> torch.dtype:
        """The format that convolutions and linear layers compute in."""
        return _DTYPES[self.number]

    @property
    def trainer_precision(self) -> TrainerPrecision:
        """Lightning's word for it."""
        return _TRAINER[self.number]

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout of five-dimensional tensors."""
        return torch.channels_last_3d if self.channels_last else torch.contiguous_format

    def autocast(self, device: torch.device | str) -> torch.autocast:
        """Return the context that computes in this format; for fp32 one that switches it off."""
        mixed = self.number != "fp32"
        return torch.autocast(
            torch.device(device).type, dtype=self.dtype if mixed else None, enabled=mixed
        )


@dataclass(frozen=True)
class PrecisionPlan:
    """How a network is trained.

    Attributes:
        variant: format and layout.
        in_fp32: dotted names of the layers that compute in float32 all the same.
    """

    variant: PrecisionVariant = PrecisionVariant()
    in_fp32: tuple[str, ...] = ()

    def __str__(self) -> str:
        kept = len(self.in_fp32)
        words = f", {kept} layer{'s' * (kept != 1)} in fp32" if kept else ""
        return self.variant.name + words

    @contextlib.contextmanager
    def applied(self, classifier: nn.Module, *, restore_layout: bool = True) -> Iterator[None]:
        """Give a network the plan's layout and keep its float32 layers out of autocast, meanwhile.

        Names, weights and copies of the network are as before: a layer changes its class for one
        that inherits from it, as `torch.nn.utils.parametrize` does it.

        Args:
            classifier: the network that the plan was made for.
            restore_layout: lay it out contiguously afterwards.
        """
        layers = [classifier.get_submodule(name) for name in self.in_fp32]
        lay_out(classifier, self.variant.memory_format)
        for layer in layers:
            layer.__class__ = _kept_out_of_autocast(type(layer))
        try:
            yield
        finally:
            for layer in layers:
                layer.__class__ = type(layer).__mro__[2]
            if restore_layout:
                lay_out(classifier, torch.contiguous_format)


def lay_out(network: nn.Module, layout: torch.memory_format) -> None:
    """Give the five-dimensional weights of a network a memory layout, in place."""
    network.to(memory_format=layout)


class _OutOfAutocast(nn.Module):
    """Mixed in before a layer's own class: its forward computes in float32."""

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """Return the layer's output for tensors of any format."""
        device = next(self.parameters()).device
        with torch.autocast(device.type, enabled=False):
            return super().forward(*_in_float32(inputs), **_in_float32(named))


def _in_float32(given: Any) -> Any:
    """Return tensors of 16 bits in float32, also those of tuples; anything else as it is."""
    return tree_map_only(Tensor, _widened, given)


def _widened(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _kept_out_of_autocast(cls: type[nn.Module]) -> type[nn.Module]:
    # Under the layer's own name: summaries and messages show it.
    return type(cls.__name__, (_OutOfAutocast, cls), {"__module__": cls.__module__})
