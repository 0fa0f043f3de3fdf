"""Confidence intervals of an accuracy: over folds, and over pooled videos."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True, kw_only=True)
class ConfidenceInterval:
    """A figure and the ends of its interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.1%} ({self.low:.1%} to {self.high:.1%})"


def student_t_interval(values: Sequence[float], *, confidence: float = 0.95) -> ConfidenceInterval:
    """Return the mean of n values +- t(n - 1) s / sqrt(n), with s their standard deviation.

    Folds share training videos, so their accuracies are not independent and the interval is
    somewhat too narrow (Bengio and Grandvalet 2004: no unbiased estimator of it exists).

    Args:
        values: one per fold, at least two.
        confidence: 0 to 1, exclusive.
    """
    mean, error = float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(len(values))
    reach = float(stats.t.ppf((1 + confidence) / 2, df=len(values) - 1)) * error
    return ConfidenceInterval(mean=mean, low=mean - reach, high=mean + reach)


def wilson_interval(right: int, n: int, *, confidence: float = 0.95) -> ConfidenceInterval:
    """Return the share of right answers with Wilson's score interval (1927).

    It takes the n videos for independent; clips of one recording are less than that.

    Args:
        right: how many of the videos are right, 0 to n.
        n: how many there are, at least one.
        confidence: 0 to 1, exclusive.
    """
    interval = stats.binomtest(right, n).proportion_ci(confidence, method="wilson")
    return ConfidenceInterval(mean=right / n, low=float(interval.low), high=float(interval.high))
