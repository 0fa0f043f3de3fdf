"""Two networks on the same videos: who lost what, and whether that can be chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

from vcc.errors import DataError
from vcc.evaluation.predictions import Prediction


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A video that one of two networks has right and the other wrong."""

    before: Prediction
    after: Prediction

    @property
    def lost(self) -> bool:
        """Whether the first had it right."""
        return self.before.right


@dataclass(frozen=True, kw_only=True)
class Paired:
    """A paired comparison of two networks.

    Attributes:
        videos: how many videos both were asked about.
        flips: those on which exactly one is right; the surest wrong answers first.
        p_value: exact two-sided McNemar test: the probability of a split at least as uneven as
            lost against gained if both networks were equally good.
    """

    videos: int
    flips: tuple[Flip, ...]
    p_value: float

    @property
    def lost(self) -> int:
        """Videos that only the first has right."""
        return sum(flip.lost for flip in self.flips)

    @property
    def gained(self) -> int:
        """Videos that only the second has right."""
        return len(self.flips) - self.lost

    def metrics(self) -> dict[str, float]:
        """Return the figures under their logged names."""
        return {
            "videos_lost": float(self.lost),
            "videos_gained": float(self.gained),
            "video_top1_drop": (self.lost - self.gained) / self.videos,
            "mcnemar_p": self.p_value,
        }

    def sentence(self) -> str:
        """Return the comparison in words."""
        chance = "may be chance" if self.p_value >= 0.05 else "is unlikely to be chance"
        return (
            f"Of {self.videos} test videos, {self.lost} that the dense network had right are now "
            f"wrong and {self.gained} that it had wrong are now right (exact McNemar "
            f"p = {self.p_value:.2g}: a difference that {chance})."
        )


def compare_paired(before: Sequence[Prediction], after: Sequence[Prediction]) -> Paired:
    """Compare two networks' predictions for the same videos in the same order.

    Raises:
        DataError: the videos are not the same.
    """
    if not before or [row.video for row in before] != [row.video for row in after]:
        msg = "paired comparison: not the same videos: evaluate both networks on one data set"
        raise DataError(msg)
    flips = [
        Flip(before=first, after=second)
        for first, second in zip(before, after, strict=True)
        if first.right != second.right
    ]
    flips.sort(key=lambda flip: -(flip.after.score if flip.lost else flip.before.score))
    lost = sum(flip.lost for flip in flips)
    return Paired(
        videos=len(before), flips=tuple(flips), p_value=mcnemar_p(lost, len(flips) - lost)
    )


def mcnemar_p(lost: int, gained: int) -> float:
    """Return the exact two-sided p-value of McNemar's test: a binomial test at one half.

    McNemar, Psychometrika 12 (1947), in its exact form: with n = lost + gained, twice the lower
    tail of Binomial(n, 1/2) at min(lost, gained), at most 1.
    """
    n = lost + gained
    tail = sum(comb(n, k) for k in range(min(lost, gained) + 1))
    return min(1.0, 2 * tail / (1 << n))
