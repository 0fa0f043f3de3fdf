"""What one training step computed, for whoever adds terms to its loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class TrainingVideos:
    """What a training step must know of the training videos.

    Attributes:
        names: of each video, for messages.
        labels: of each video, 0..n_classes-1.
        n_classes: number of classes.
        seed: of the draws that a step makes (dropout, mixup).
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    n_classes: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class StepOutputs:
    """One batch on its way through a training step.

    Attributes:
        teacher_inputs: pixels [N,3,T,H,W] that a teacher is asked about: as the network saw them,
            or the same moments in the teacher's own clips; uint8, or float after mixup.
        logits: the network's [N,C], with their gradient.
        labels: int64 [N], or class probabilities [N,C] after mixup.
        loss: the classification loss, a scalar with its gradient.
    """

    teacher_inputs: Tensor
    logits: Tensor
    labels: Tensor
    loss: Tensor


# (batch index, batches per epoch, outputs) -> (loss to minimise, its named parts)
AdjustLoss = Callable[[int, int, StepOutputs], tuple[Tensor, Mapping[str, Any]]]
