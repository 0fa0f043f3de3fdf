"""Who is trained on, tuned on and tested on, by whole groups.

A group is a set of videos cut from one recording; with one half in training and the other in test,
a network is rewarded for recognising the recording. So every split here moves whole groups, and a
guard refuses an annotation that does not.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from vcc.data.annotations.annotation import Entry
from vcc.data.annotations.names import group_number
from vcc.errors import DataError

# UCF101's test groups by split; its 25 groups are recordings of one class each.
OFFICIAL_TEST_GROUPS = {1: range(1, 8), 2: range(8, 15), 3: range(15, 22)}


def check_groups(entries: Sequence[Entry]) -> None:
    """Raise DataError if a group has videos in more than one subset."""
    subsets: dict[str, dict[str, str]] = defaultdict(dict)
    for entry in entries:
        if entry.group is not None:
            subsets[entry.group].setdefault(entry.subset, entry.id)
    for group, members in subsets.items():
        if len(members) > 1:
            where = " and ".join(f"{video!r} in {name}" for name, video in members.items())
            msg = (
                f"group {group!r} is on two sides of the split ({where}); "
                "move all its videos to one subset of the annotation"
            )
            raise DataError(msg)


def official_split(entries: Sequence[Entry], split: int) -> list[Entry] | None:
    """Return the entries split by UCF101's group numbers, or None where that gives none."""
    numbers = [group_number(entry.group) if entry.group else None for entry in entries]
    if not entries or any(n is None or not 1 <= n <= 25 for n in numbers):
        return None
    test = OFFICIAL_TEST_GROUPS[split]
    result = [
        replace(entry, subset="test" if number in test else "train")
        for entry, number in zip(entries, numbers, strict=True)
    ]
    return result if {entry.subset for entry in result} == {"train", "test"} else None


def move_share(
    entries: Sequence[Entry], share: float, *, source: str, target: str, seed: int
) -> list[Entry]:
    """Return the entries with about `share` of each label moved from one subset to another.

    Whole groups move, in a seeded order, as long as that brings the labels nearer to their share; a
    video without a group is one of its own. Every label keeps a group in `source`.

    Args:
        entries: all videos of a data set.
        share: 0 to 1, of the videos of `source`, per label.
        source: subset that videos leave.
        target: subset that they go to.
        seed: of the order in which groups are tried.
    """
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.subset == source:
            groups[entry.group or f"video {entry.id}"].append(entry)
    counts = {group: Counter(e.label for e in members) for group, members in groups.items()}
    wanted: dict[str, float] = defaultdict(float)
    left: Counter[str] = Counter()
    for count in counts.values():
        for label, number in count.items():
            wanted[label] += share * number
            left[label] += 1
    order = sorted(counts)
    random.Random(seed).shuffle(order)
    moved: set[str] = set()
    for group in order:
        count = counts[group]
        gain = sum(
            abs(wanted[label]) - abs(wanted[label] - number) for label, number in count.items()
        )
        if gain > 0 and all(left[label] > 1 for label in count):
            moved.add(group)
            for label, number in count.items():
                wanted[label] -= number
                left[label] -= 1
    return [
        replace(e, subset=target)
        if e.subset == source and (e.group or f"video {e.id}") in moved
        else e
        for e in entries
    ]
