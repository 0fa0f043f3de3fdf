"""How sparsity and thresholds grow over epochs, and the shares that ranked pruners prune."""

from __future__ import annotations

from typing import Protocol

import torch

from vcc.compression.pruners.base import PruneContext, draw_generator
from vcc.compression.schedule.epochs import ActiveEpochs


def agp_sparsity(epoch: int, active: ActiveEpochs, *, initial: float, final: float) -> float:
    """Return the sparsity that automated gradual pruning wants at an epoch, in 0..1.

    s = final + (initial - final) * (1 - (epoch - first) / span)^3 (Zhu and Gupta 2017), with span
    the distance to the last active epoch, so that the last one gives exactly `final`. A single
    active epoch gives `final`.
    """
    if active.span == 0:
        return final
    rest = 1 - (epoch - active.first) / active.span
    return final + (initial - final) * rest**3


def baidu_slopes(
    active: ActiveEpochs, *, q: float, offset: int, multiplier: float
) -> tuple[float, float]:
    """Return the slopes before and after the ramp epoch (Narang et al. 2017)."""
    ramp = active.start + offset
    frequency = active.frequency or 1
    before = 2 * q * frequency / (2 * (ramp - active.start) + 3 * (active.end - ramp))
    return before, before * multiplier


def baidu_threshold(
    epoch: int, active: ActiveEpochs, *, q: float, offset: int, multiplier: float
) -> float:
    """Return the magnitude at or below which weights are pruned at an epoch."""
    ramp = active.start + offset
    frequency = active.frequency or 1
    before, after = baidu_slopes(active, q=q, offset=offset, multiplier=multiplier)
    if epoch < ramp:
        return before * (epoch - active.start + 1) / frequency
    return (before * (ramp - active.start + 1) + after * (epoch - ramp + 1)) / frequency


def splicing_sensitivity(sensitivity: float, epoch: int, start: int, multiplier: float) -> float:
    """Return a splicing pruner's sensitivity at an epoch: it grows by `multiplier` per epoch."""
    return sensitivity * ((epoch - start) * multiplier + 1) if multiplier > 0 else sensitivity


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
