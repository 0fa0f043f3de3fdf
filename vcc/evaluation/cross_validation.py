"""What k folds say together: mean and intervals, beside answers that never look at the content."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from vcc.evaluation.intervals import ConfidenceInterval, student_t_interval, wilson_interval
from vcc.evaluation.paired import mcnemar_p
from vcc.spreadsheet import CsvWriter

_UNLIKELY = 0.05


@dataclass(frozen=True, kw_only=True)
class FoldAnswers:
    """The held-out videos of one fold and who answered what; all of one length.

    Attributes:
        videos: ids.
        labels: class numbers.
        network: of the network that was trained on the other folds.
        largest_class: of always naming the largest class of all videos.
        resolution: of a table of those folds' most frequent class per resolution.
    """

    videos: tuple[str, ...]
    labels: tuple[int, ...]
    network: tuple[int, ...]
    largest_class: tuple[int, ...]
    resolution: tuple[int, ...]

    def right(self, who: str) -> tuple[bool, ...]:
        """Return per video whether `who` (network, largest_class or resolution) is right."""
        answers: tuple[int, ...] = getattr(self, who)
        return tuple(answer == label for answer, label in zip(answers, self.labels, strict=True))


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """A network and two baselines on the same folds.

    Attributes:
        arch: the network's name.
        folds: at least two.
    """

    arch: str
    folds: tuple[FoldAnswers, ...]

    def accuracies(self, who: str) -> list[float]:
        """Return the share of right videos (0..1) of each fold."""
        rights = [fold.right(who) for fold in self.folds]
        return [sum(right) / len(right) for right in rights]

    def over_folds(self, who: str) -> ConfidenceInterval:
        """Return the mean over folds with Student's interval."""
        return student_t_interval(self.accuracies(who))

    def pooled(self, who: str) -> ConfidenceInterval:
        """Return the share over all videos with Wilson's interval."""
        right = self._all_right(who)
        return wilson_interval(sum(right), len(right))

    def p_value(self, baseline: str) -> float:
        """Return the exact two-sided McNemar p of the network against a baseline."""
        pairs = list(zip(self._all_right("network"), self._all_right(baseline), strict=True))
        return mcnemar_p(pairs.count((False, True)), pairs.count((True, False)))

    def metrics(self) -> dict[str, float]:
        """Return the figures under their logged names."""
        mean = self.over_folds("network")
        return {
            "folds": float(len(self.folds)),
            "video_top1": mean.mean,
            "video_top1_low": mean.low,
            "video_top1_high": mean.high,
            "video_top1_pooled": self.pooled("network").mean,
            "largest_class_top1": self.over_folds("largest_class").mean,
            "resolution_top1": self.over_folds("resolution").mean,
            "test_videos": float(len(self._all_right("network"))),
        }

    def rows(self) -> list[list[str]]:
        """Return the table: one row for the network and for each baseline."""
        rows = [["", "mean over folds (95 %)", "all videos (95 %)", "McNemar p"]]
        for who, title in _TITLES.items():
            p_value = "" if who == "network" else f"{self.p_value(who):.2g}"
            name = self.arch if who == "network" else title
            rows.append([name, str(self.over_folds(who)), str(self.pooled(who)), p_value])
        return rows

    def sentences(self) -> list[str]:
        """Return in words whether the network is above each baseline."""
        return [self._verdict(who) for who in _TITLES if who != "network"]

    def as_csv(self) -> str:
        """Return a row per video: its fold, its label and every answer, as class numbers."""
        text = io.StringIO()
        writer = CsvWriter(text)
        writer.writerow(["fold", "video", "label", *_TITLES])
        for number, fold in enumerate(self.folds, start=1):
            answers = [getattr(fold, who) for who in _TITLES]
            for row in zip(fold.videos, fold.labels, *answers, strict=True):
                writer.writerow([number, *row])
        return text.getvalue()

    def _verdict(self, baseline: str) -> str:
        ours, theirs = self.pooled("network").mean, self.pooled(baseline).mean
        p_value, title = self.p_value(baseline), _TITLES[baseline]
        if ours <= theirs:
            return f"{self.arch} is not above {title}: {ours:.1%} against {theirs:.1%}"
        chance = "which may be chance" if p_value >= _UNLIKELY else "hardly by chance"
        return (
            f"{self.arch} is above {title}, {chance}: {ours:.1%} against {theirs:.1%}, "
            f"p = {p_value:.2g}"
        )

    def _all_right(self, who: str) -> Sequence[bool]:
        return [right for fold in self.folds for right in fold.right(who)]


_TITLES = {
    "network": "the network",
    "largest_class": "the largest class",
    "resolution": "resolution alone",
}
