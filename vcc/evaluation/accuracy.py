"""Clip and video accuracy in one pass, as the thesis defines them.

A video's score is the mean of the softmax over its clips (or, as the thesis's `no_softmax_in_test`
asks, the softmax of the mean logits, which ranks as the mean logits do); the video counts as right
when its highest score is its label's. Every video counts, whatever its number of clips (the
thesis's own script left out the last one).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional
from torchmetrics import Metric
from torchmetrics.functional.classification import multiclass_accuracy

from vcc.errors import DataError
from vcc.evaluation.intervals import wilson_interval


class Batch(Protocol):
    """Clips of some videos: `clips` [N,3,T,H,W] uint8, `labels` [N], `videos` [N] indices."""

    @property
    def clips(self) -> Tensor: ...
    @property
    def labels(self) -> Tensor: ...
    @property
    def videos(self) -> Tensor: ...


@dataclass(frozen=True, kw_only=True)
class VideoScores:
    """What a classifier says of a set of videos.

    Attributes:
        scores: float32 [V, C], each row sums to 1; mean softmax over each video's clips.
        labels: int64 [V].
        clips: how many clips were classified.
        clip_top1: share of clips whose highest logit is the label's, 0..1.
        loss: mean cross-entropy of the clips, nats.
    """

    scores: Tensor
    labels: Tensor
    clips: int
    clip_top1: float
    loss: float

    def video_topk(self, k: int) -> float:
        """Return the share of videos (0..1) whose label is among the `k` highest scores."""
        classes = self.scores.shape[1]
        accuracy = multiclass_accuracy(
            self.scores, self.labels, num_classes=classes, top_k=min(k, classes), average="micro"
        )
        return float(accuracy)

    def video_top1_low(self) -> float:
        """Return the lower end of video top-1's 95 % interval, by Wilson, 0..1."""
        right = int((self.scores.argmax(dim=1) == self.labels).sum())
        return wilson_interval(right, len(self.labels)).low

    def right(self) -> str:
        """Return a character per video, "1" where its highest score is its label's, else "0"."""
        return "".join("1" if hit else "0" for hit in self.scores.argmax(dim=1) == self.labels)

    def answers(self) -> tuple[int, ...]:
        """Return how many videos each of the C classes was given."""
        counts = torch.bincount(self.scores.argmax(dim=1), minlength=self.scores.shape[1])
        return tuple(int(count) for count in counts)

    def metrics(self) -> dict[str, float]:
        """Return the figures under the names that every entry point logs them with."""
        return {
            "clip_top1": self.clip_top1,
            "video_top1": self.video_topk(1),
            "video_top5": self.video_topk(5),
            "loss": self.loss,
        }


class VideoAccuracy(Metric):
    """Accumulates clips in any order and batching, and averages them per video.

    Args:
        n_videos: V, the number of videos in the set.
        n_classes: C.
        softmax: whether a video's score is the mean of its clips' softmax, or else the softmax of
            the mean of their logits.
    """

    full_state_update = False
    score_sum: Tensor
    clip_count: Tensor
    labels: Tensor
    right_clips: Tensor
    loss_sum: Tensor

    def __init__(self, *, n_videos: int, n_classes: int, softmax: bool = True) -> None:
        super().__init__()
        self._softmax = softmax
        zeros = torch.zeros
        self.add_state("score_sum", zeros(n_videos, n_classes), dist_reduce_fx="sum")
        self.add_state("clip_count", zeros(n_videos), dist_reduce_fx="sum")
        self.add_state("labels", zeros(n_videos, dtype=torch.long), dist_reduce_fx="max")
        self.add_state("right_clips", zeros(1), dist_reduce_fx="sum")
        self.add_state("loss_sum", zeros(1), dist_reduce_fx="sum")

    def update(self, logits: Tensor, labels: Tensor, videos: Tensor) -> None:
        """Add the logits [N, C] of N clips of the videos with indices `videos` [N]."""
        logits = logits.float()
        self.score_sum.index_add_(0, videos, logits.softmax(dim=1) if self._softmax else logits)
        self.clip_count.index_add_(0, videos, torch.ones_like(videos, dtype=torch.float))
        self.labels[videos] = labels
        self.right_clips += (logits.argmax(dim=1) == labels).sum()
        self.loss_sum += functional.cross_entropy(logits, labels, reduction="sum")

    def compute(self) -> dict[str, Tensor]:
        """Return the sums over all processes; `video_scores` is what people read."""
        return {
            "score_sum": self.score_sum.cpu(),
            "clip_count": self.clip_count.cpu(),
            "labels": self.labels.cpu(),
            "right_clips": self.right_clips.cpu(),
            "loss_sum": self.loss_sum.cpu(),
        }

    def video_scores(self) -> VideoScores:
        """Return the scores of all videos.

        Raises:
            DataError: a video of the set contributed no clip.
        """
        sums = self.compute()
        counts = sums["clip_count"].reshape(-1)
        if bool((counts == 0).any()):
            missing = int((counts == 0).sum())
            msg = f"{missing} of {len(counts)} videos were not scored: no clip of them came"
            raise DataError(msg)
        clips = int(counts.sum())
        scores = sums["score_sum"].reshape(len(counts), -1) / counts[:, None]
        return VideoScores(
            scores=scores if self._softmax else scores.softmax(dim=1),
            labels=sums["labels"].reshape(-1),
            clips=clips,
            clip_top1=float(sums["right_clips"]) / clips,
            loss=float(sums["loss_sum"]) / clips,
        )


class NonFiniteError(DataError):
    """Logits that are not numbers; `video` is the index of the first one's video."""

    def __init__(self, message: str, *, video: int) -> None:
        super().__init__(message)
        self.video = video


def check_finite(logits: Tensor, videos: Tensor) -> None:
    """Refuse logits that are not numbers: of them no class is the highest.

    Args:
        logits: [N, C] of N clips.
        videos: [N] indices of their videos.

    Raises:
        NonFiniteError: one of them is NaN or infinite.
    """
    bad = ~logits.isfinite().all(dim=1)
    if bool(bad.any()):
        video = int(videos[bad.to(videos.device)][0])
        msg = f"video {video}: the network answers NaN or infinity, which is no result"
        raise NonFiniteError(msg, video=video)


def score_videos(
    classify: Callable[[Tensor], Tensor],
    batches: Iterable[Batch],
    *,
    n_videos: int,
    n_classes: int,
    softmax: bool = True,
) -> VideoScores:
    """Classify every clip of every video, whatever runs the network.

    Args:
        classify: pixels, uint8 [N,3,T,H,W], to logits, float [N,C], on any device.
        batches: of all videos, in any order.
        n_videos: the number of videos in the set.
        n_classes: C.
        softmax: see `VideoAccuracy`.
    """
    accuracy = VideoAccuracy(n_videos=n_videos, n_classes=n_classes, softmax=softmax)
    # One process scores all videos by itself, even where others are connected to it.
    accuracy.sync_on_compute = False
    for batch in batches:
        logits = classify(batch.clips).detach().cpu()
        check_finite(logits, batch.videos)
        accuracy.update(logits, batch.labels.cpu(), batch.videos.cpu())
    return accuracy.video_scores()
