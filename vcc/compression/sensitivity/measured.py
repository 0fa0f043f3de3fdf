"""What an accuracy callable tells compression; who computes it is wired in `vcc.pipeline`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class EvalResult:
    """How good a network is on a fixed set of videos.

    Args:
        top1: share of videos that are right, 0..1.
        top5: share of videos with their label among the five highest scores, 0..1.
        loss: mean cross-entropy of the clips, nats.
    """

    top1: float
    top5: float
    loss: float


# the same videos at every call, the network in evaluation mode
Measure = Callable[[nn.Module], EvalResult]
