"""What networks lose on worse recordings, and whether a compressed one loses more there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vcc.evaluation.study.losses import Pair, excess_loss, paired_loss, points

_HEADER = [
    "network", "test videos", "video top-1", "less than as recorded, points", "dense",
    "loss against dense, points", "more than as recorded, points",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Which test videos a file had right, a text per repeat with "1" or "0" per video.

    Attributes:
        plain: of the videos as recorded.
        changed: of the same videos in some condition.
    """

    plain: Sequence[str]
    changed: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A network on changed test videos.

    Attributes:
        network: its name.
        text: how the videos are changed, such as "half the frame rate".
        own: its answers.
        dense: those of the dense network that it came from; None if it is that.
        groups: a text per repeat, see `Pair`.
    """

    network: str
    text: str
    own: Answers
    dense: Answers | None
    groups: Sequence[str]


def robustness_rows(conditions: Sequence[Condition], *, pooled: bool) -> list[list[str]]:
    """Return header and rows of text.

    Args:
        conditions: in the order of the rows.
        pooled: whether repeats hold different videos.
    """
    return [_HEADER, *(_row(condition, pooled=pooled) for condition in conditions)]


def accuracy(answers: Sequence[str]) -> float:
    """Return the share of videos that are right, 0..1, of all repeats together."""
    return sum(each.count("1") for each in answers) / sum(map(len, answers))


def _row(condition: Condition, *, pooled: bool) -> list[str]:
    own, dense = condition.own, condition.dense

    def pairs(before: Sequence[str], after: Sequence[str]) -> list[Pair]:
        return [
            Pair(before=first, after=second, groups=groups)
            for first, second, groups in zip(before, after, condition.groups, strict=True)
        ]

    less = paired_loss(pairs(own.plain, own.changed), pooled=pooled).interval
    row = [condition.network, condition.text, _percent(own.changed), points(less)]
    if dense is None:
        return [*row, "", "", ""]
    changed, plain = pairs(dense.changed, own.changed), pairs(dense.plain, own.plain)
    loss = paired_loss(changed, pooled=pooled).interval
    more = excess_loss(changed, plain, pooled=pooled)
    return [*row, _percent(dense.changed), points(loss), points(more)]


def _percent(answers: Sequence[str]) -> str:
    return f"{100 * accuracy(answers):.2f} %"
