"""Clip and video accuracy against numbers worked out by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from vcc.errors import DataError
from vcc.evaluation.accuracy import VideoAccuracy, score_videos


def logits_of(*probabilities: tuple[float, ...]) -> torch.Tensor:
    """Return logits whose softmax is the given probabilities."""
    return torch.tensor(probabilities).log()


def test_a_video_s_score_is_the_mean_softmax_of_its_clips() -> None:
    accuracy = VideoAccuracy(n_videos=2, n_classes=2)
    # Video 0 (label 0): one clip is wrong by a little, one right by a lot. Video 1 is wrong.
    accuracy.update(logits_of((0.4, 0.6), (0.9, 0.1)), torch.tensor([0, 0]), torch.tensor([0, 0]))
    accuracy.update(logits_of((0.7, 0.3)), torch.tensor([1]), torch.tensor([1]))
    scores = accuracy.video_scores()
    assert torch.allclose(scores.scores, torch.tensor([[0.65, 0.35], [0.7, 0.3]]))
    assert scores.clip_top1 == pytest.approx(1 / 3)
    assert scores.video_topk(1) == pytest.approx(1 / 2)
    assert scores.video_topk(5) == 1.0
    assert scores.clips == 3
    expected = -(math.log(0.4) + math.log(0.9) + math.log(0.3)) / 3
    assert scores.loss == pytest.approx(expected, rel=1e-5)


def test_averaging_probabilities_is_not_averaging_votes() -> None:
    accuracy = VideoAccuracy(n_videos=1, n_classes=2)
    # Two clips of three say class 1, but class 0 has the higher mean score.
    clips = logits_of((0.45, 0.55), (0.45, 0.55), (0.99, 0.01))
    accuracy.update(clips, torch.zeros(3, dtype=torch.long), torch.zeros(3, dtype=torch.long))
    scores = accuracy.video_scores()
    assert scores.clip_top1 == pytest.approx(1 / 3)
    assert scores.video_topk(1) == 1.0


def test_logits_may_be_averaged_in_place_of_probabilities() -> None:
    # One clip is sure of class 0 (logits 4, 0), two are for class 1 by less (0, 1.5): the mean
    # logits are 4/3 and 1, the mean probabilities 0.45 and 0.55.
    logits = torch.tensor([[4.0, 0.0], [0.0, 1.5], [0.0, 1.5]])
    labels, videos = torch.zeros(3, dtype=torch.long), torch.zeros(3, dtype=torch.long)
    picked = []
    for softmax in (True, False):
        accuracy = VideoAccuracy(n_videos=1, n_classes=2, softmax=softmax)
        accuracy.update(logits, labels, videos)
        scores = accuracy.video_scores()
        assert scores.scores.sum(dim=1).tolist() == pytest.approx([1.0])
        picked.append(scores.video_topk(1))
    assert picked == [0.0, 1.0]


def test_batching_does_not_matter() -> None:
    logits = torch.randn(10, 4)
    videos = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2, 3])
    labels = torch.tensor([0, 1, 2, 3])[videos]
    whole, parts = (VideoAccuracy(n_videos=4, n_classes=4) for _ in range(2))
    whole.update(logits, labels, videos)
    for rows in ([0, 9, 3], [1, 2], [4, 5, 6, 7, 8]):
        parts.update(logits[rows], labels[rows], videos[rows])
    assert torch.allclose(whole.video_scores().scores, parts.video_scores().scores)
    assert whole.video_scores().metrics() == pytest.approx(parts.video_scores().metrics())


def test_every_video_must_be_scored() -> None:
    accuracy = VideoAccuracy(n_videos=3, n_classes=2)
    accuracy.update(torch.randn(2, 2), torch.tensor([0, 1]), torch.tensor([0, 1]))
    with pytest.raises(DataError, match="1 of 3 videos were not scored"):
        accuracy.video_scores()


def test_one_video_alone_is_scored() -> None:
    accuracy = VideoAccuracy(n_videos=1, n_classes=3)
    accuracy.update(logits_of((0.2, 0.5, 0.3)), torch.tensor([1]), torch.tensor([0]))
    assert accuracy.video_scores().scores.shape == (1, 3)
    assert accuracy.video_scores().video_topk(1) == 1.0


def test_score_videos_hands_pixels_to_whatever_classifies() -> None:
    batches = [
        SimpleNamespace(
            clips=torch.full((2, 3, 1, 1, 1), number, dtype=torch.uint8),
            labels=torch.tensor([number, number]),
            videos=torch.tensor([number, number]),
        )
        for number in (0, 1)
    ]

    def classify(pixels: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.one_hot(pixels.reshape(-1).long()[::3], 2).float() * 9

    scores = score_videos(classify, batches, n_videos=2, n_classes=2)
    assert scores.clip_top1 == scores.video_topk(1) == 1.0
