"""What one file loses against another on the same test videos, and how sure that is.

A video's difference is 1 where only the first file has it right, -1 where only the second has it.
The interval is a percentile bootstrap (Efron 1979) over groups of videos where these are known:
cuts of one recording are alike, and drawing them one by one would take them for independent
(Cameron, Gelbach and Miller 2008, on clusters). McNemar's test is the exact one, of single videos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vcc.evaluation.paired import mcnemar_p

_DRAWS = 10_000


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean and its 95 % confidence interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The test videos of one repeat through two files.

    Attributes:
        before: a character per video, "1" where the first file is right.
        after: the same of the second file.
        groups: a number per video with blanks between, equal within a group; "" if not known.
    """

    before: str
    after: str
    groups: str = ""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What the second file loses.

    Attributes:
        interval: of the share of videos lost less those gained; below 0 the second is better.
        p_values: exact McNemar, two-sided: one of all videos where repeats hold different ones,
            else one of each repeat.
        repeats: how many repeats both files have.
    """

    interval: Interval
    p_values: tuple[float, ...]
    repeats: int


def paired_loss(pairs: Sequence[Pair], *, pooled: bool) -> Loss:
    """Return the loss of video accuracy over all repeats.

    Args:
        pairs: one per repeat, at least one.
        pooled: whether repeats hold different videos, which are put together; else a video's
            difference is its mean over the repeats.
    """
    differences = [_difference(pair) for pair in pairs]
    counts = [_flips(difference) for difference in differences]
    if pooled:
        counts = [(sum(lost for lost, _ in counts), sum(gained for _, gained in counts))]
    return Loss(
        interval=_interval(differences, pairs, pooled=pooled),
        p_values=tuple(mcnemar_p(lost, gained) for lost, gained in counts),
        repeats=len(pairs),
    )


def excess_loss(pairs: Sequence[Pair], plain: Sequence[Pair], *, pooled: bool) -> Interval:
    """Return how much more is lost on changed videos than on the same videos as they are.

    Args:
        pairs: one per repeat, of the changed videos.
        plain: the same of the videos as they are.
        pooled: as in `paired_loss`.
    """
    differences = [
        _difference(pair) - _difference(other) for pair, other in zip(pairs, plain, strict=True)
    ]
    return _interval(differences, plain, pooled=pooled)


def points(interval: Interval) -> str:
    """Return a share and its interval in points, such as "+1.20 (-0.30 to +2.70)"."""
    mean, low, high = (100 * value for value in (interval.mean, interval.low, interval.high))
    return f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"


def _interval(
    differences: Sequence[NDArray[np.float64]], pairs: Sequence[Pair], *, pooled: bool
) -> Interval:
    if pooled:
        return bootstrap_mean(np.concatenate(differences), _clusters(pairs))
    return bootstrap_mean(np.mean(differences, axis=0), _clusters(pairs[:1]))


def _difference(pair: Pair) -> NDArray[np.float64]:
    return _bits(pair.before) - _bits(pair.after)


def bootstrap_mean(
    values: NDArray[np.float64], clusters: NDArray[np.int64] | None = None, *, seed: int = 0
) -> Interval:
    """Return the mean of values and its 95 % percentile interval over draws with replacement.

    Args:
        values: [n].
        clusters: [n], from 0: which of them are drawn together; None where each is independent.
        seed: of the draws.
    """
    generator = np.random.default_rng(seed)
    if clusters is None:
        # Counting how often each value was drawn needs n numbers per draw, not n indices.
        found, counts = np.unique(values, return_counts=True)
        drawn = generator.multinomial(len(values), counts / len(values), size=_DRAWS)
        means = drawn @ found / len(values)
    else:
        sums, sizes = np.bincount(clusters, weights=values), np.bincount(clusters)
        drawn = generator.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=_DRAWS)
        means = (drawn @ sums) / (drawn @ sizes)
    low, high = np.percentile(means, (2.5, 97.5))
    return Interval(mean=float(values.mean()), low=float(low), high=float(high))


def _clusters(pairs: Sequence[Pair]) -> NDArray[np.int64] | None:
    """Return each video's cluster, none of which two repeats share; None if groups are unknown."""
    if not all(pair.groups for pair in pairs):
        return None
    named = [
        (repeat, number) for repeat, pair in enumerate(pairs) for number in pair.groups.split()
    ]
    numbers = {name: place for place, name in enumerate(dict.fromkeys(named))}
    return np.array([numbers[name] for name in named], np.int64)


def _flips(difference: NDArray[np.float64]) -> tuple[int, int]:
    """Return how many videos only the first file has right, and how many only the second."""
    return int((difference > 0).sum()), int((difference < 0).sum())


def _bits(text: str) -> NDArray[np.float64]:
    return np.frombuffer(text.encode(), np.uint8).astype(np.float64) - ord("0")
