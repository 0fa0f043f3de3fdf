"""The classification loss: each option changes it as its definition says."""

from __future__ import annotations

import pytest
import torch

from vcc.config.training import TrainingOptions
from vcc.training.loss import balanced_weights, make_loss, mix

LOGITS = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
LABELS = torch.tensor([0, 0])


def test_balanced_weights_are_inverse_to_the_videos_of_a_class() -> None:
    # 4 videos, 2 classes: 4 / (2 * 3) and 4 / (2 * 1).
    assert balanced_weights([0, 0, 0, 1], 2).tolist() == pytest.approx([2 / 3, 2.0])
    assert balanced_weights([0, 0], 2).tolist() == pytest.approx([0.5, 1.0])


def test_label_smoothing_adds_the_mean_over_classes() -> None:
    plain = make_loss(TrainingOptions(), [0, 1], 2)(LOGITS, LABELS)
    smooth = make_loss(TrainingOptions(label_smoothing=0.2), [0, 1], 2)(LOGITS, LABELS)
    uniform = -LOGITS.log_softmax(dim=1).mean()
    torch.testing.assert_close(smooth, 0.8 * plain + 0.2 * uniform)


def test_class_weights_weigh_the_loss() -> None:
    labels = torch.tensor([0, 1])
    loss = make_loss(TrainingOptions(class_weights="balanced"), [0, 0, 0, 1], 2)
    each = torch.nn.functional.cross_entropy(LOGITS, labels, reduction="none")
    expected = (each[0] * 2 / 3 + each[1] * 2) / (2 / 3 + 2)
    torch.testing.assert_close(loss(LOGITS, labels), expected)


def test_mixed_clips_and_labels_have_the_same_shares() -> None:
    clips = torch.zeros(2, 3, 2, 1, 1, dtype=torch.uint8)
    clips[1] = 200
    mixed, shares = mix(clips, torch.tensor([0, 1]), alpha=1.0, n_classes=2)
    assert mixed.shape == clips.shape
    assert type(mixed) is torch.Tensor
    torch.testing.assert_close(mixed[:, 0, 0, 0, 0], 200 * shares[:, 1])
    assert clips.unique().tolist() == [0, 200]
