"""Does a score of 0.8 mean right in 80 of 100 cases? Reliability bins and calibration error."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from vcc.evaluation.accuracy import VideoScores

BINS = 15
# Fewer videos than that say little of a bin: the picture joins bins until they have as many.
FEWEST = 10


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Videos sorted into bins of equal width by their highest score.

    Attributes:
        edges: bin borders, 0..1, one more than bins.
        videos: how many videos each bin holds.
        confidence: mean highest score of each bin; not a number where it is empty.
        accuracy: share of right videos of each bin; likewise.
        ece: expected calibration error: the mean of |accuracy - confidence| over videos
            (Naeini, Cooper and Hauskrecht, AAAI 2015).
    """

    edges: tuple[float, ...]
    videos: tuple[int, ...]
    confidence: tuple[float, ...]
    accuracy: tuple[float, ...]
    ece: float


@dataclass(frozen=True, kw_only=True)
class ScoreBin:
    """Neighbouring bins as one: its videos, how many are right, and their mean score (0..1)."""

    videos: int
    right: int
    confidence: float


def joined_bins(curve: Reliability, *, fewest: int = FEWEST) -> list[ScoreBin]:
    """Return bins of at least so many videos, lowest scores first.

    What is left over at the upper end joins the last one.
    """
    joined: list[ScoreBin] = []
    for videos, confidence, accuracy in zip(
        curve.videos, curve.confidence, curve.accuracy, strict=True
    ):
        if not videos:
            continue
        new = ScoreBin(videos=videos, right=round(accuracy * videos), confidence=confidence)
        if joined and joined[-1].videos < fewest:
            new = _together(joined.pop(), new)
        joined.append(new)
    if len(joined) > 1 and joined[-1].videos < fewest:
        last = joined.pop()
        joined.append(_together(joined.pop(), last))
    return joined


def _together(first: ScoreBin, second: ScoreBin) -> ScoreBin:
    videos = first.videos + second.videos
    total = first.confidence * first.videos + second.confidence * second.videos
    return ScoreBin(videos=videos, right=first.right + second.right, confidence=total / videos)


def reliability(scores: VideoScores, *, bins: int = BINS) -> Reliability:
    """Return the reliability of a network's video scores."""
    confidence, predicted = scores.scores.max(dim=1)
    right = (predicted == scores.labels).double()
    edges = torch.linspace(0, 1, bins + 1, dtype=torch.float64)
    # Bins are open below and closed above, so that a score of 1 is in the last one.
    index = torch.bucketize(confidence.double(), edges[1:-1].contiguous())
    counts = torch.bincount(index, minlength=bins)
    sums = torch.zeros(2, bins, dtype=torch.float64)
    sums[0].index_add_(0, index, confidence.double())
    sums[1].index_add_(0, index, right)
    means = sums / counts
    ece = multiclass_calibration_error(
        scores.scores, scores.labels, num_classes=scores.scores.shape[1], n_bins=bins, norm="l1"
    )
    return Reliability(
        edges=tuple(edges.tolist()),
        videos=tuple(counts.tolist()),
        confidence=tuple(means[0].tolist()),
        accuracy=tuple(means[1].tolist()),
        ece=float(ece),
    )
