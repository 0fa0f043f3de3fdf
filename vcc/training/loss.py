"""The classification loss: cross-entropy with label smoothing, class weights and mixup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision import tv_tensors
from torchvision.transforms.v2 import MixUp

from vcc.config.training import TrainingOptions


def balanced_weights(labels: Sequence[int], n_classes: int) -> Tensor:
    """Return float32 [C]: videos / (classes x videos of the class), so that each class counts once.

    A class without videos gets the weight of one with a single video.
    """
    counts = Counter(labels)
    shares = [len(labels) / (n_classes * max(1, counts[label])) for label in range(n_classes)]
    return torch.tensor(shares)


def make_loss(options: TrainingOptions, labels: Sequence[int], n_classes: int) -> nn.Module:
    """Return the loss of logits [N,C] and labels, int64 [N] or probabilities [N,C].

    Args:
        options: label smoothing and class weights.
        labels: those of the training videos, which balanced weights count.
        n_classes: number of logits.
    """
    balanced = options.class_weights == "balanced"
    return nn.CrossEntropyLoss(
        weight=balanced_weights(labels, n_classes) if balanced else None,
        label_smoothing=options.label_smoothing,
    )


def mix(clips: Tensor, labels: Tensor, *, alpha: float, n_classes: int) -> tuple[Tensor, Tensor]:
    """Return pairs of clips mixed, and their labels as probabilities [N,C].

    Zhang et al. 2018, "mixup: beyond empirical risk minimization". One share per batch is drawn
    from Beta(alpha, alpha) by the global random state.

    Args:
        clips: pixels [N,3,T,H,W] of any dtype; the result is float32.
        labels: int64 [N].
        alpha: both parameters of the distribution, above 0.
        n_classes: number of classes.
    """
    video = tv_tensors.Video(clips.float())
    mixed, shares = MixUp(alpha=alpha, num_classes=n_classes)(video, labels)
    return mixed.as_subclass(Tensor), shares
