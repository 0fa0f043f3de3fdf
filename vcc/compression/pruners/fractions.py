"""What share of the structures a ranked pruner prunes at a given moment."""

from __future__ import annotations

from typing import Protocol

import torch

from vcc.compression.pruners.base import PruneContext, draw_generator
from vcc.compression.pruners.ramps import agp_sparsity


class Fraction(Protocol):
    """A share in 0..1 that may depend on the moment and on the parameter."""

    def __call__(self, name: str, context: PruneContext) -> float:
        """Return the share to prune of a parameter's structures."""


class ConstantFraction:
    """The same share throughout."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __call__(self, name: str, context: PruneContext) -> float:
        return self.value


class AgpFraction:
    """The AGP ramp from an initial to a final share."""

    def __init__(self, initial: float, final: float) -> None:
        self.initial, self.final = initial, final

    def __call__(self, name: str, context: PruneContext) -> float:
        return agp_sparsity(context.epoch, context.active, initial=self.initial, final=self.final)


class RandomFraction:
    """A share drawn uniformly from a range, anew at each call and for each parameter."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def __call__(self, name: str, context: PruneContext) -> float:
        generator = draw_generator("fraction", name, context.epoch, context.step)
        draw = float(torch.rand((), generator=generator))
        return self.low + (self.high - self.low) * draw
