"""Equal files: reported, left out or refused, and a leak where they are on both sides of the split.

Published figures count every video of an official list, so that a list's equal files are kept
unless the user asks otherwise.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vcc.data.annotations.annotation import Entry
from vcc.data.prepare.discovery import LeftOutFile
from vcc.data.prepare.plan import Plan, PlannedVideo, name_below
from vcc.errors import DataError

_SHOWN = 5


def duplicates(paths: Sequence[Path]) -> dict[Path, Path]:
    """Return which video files repeat the content of an earlier one, and of which.

    Only files of equal size are read.
    """
    by_size: dict[int, list[Path]] = defaultdict(list)
    for path in paths:
        if path.is_file() and (size := path.stat().st_size):
            by_size[size].append(path)
    repeated: dict[Path, Path] = {}
    for alike in by_size.values():
        if len(alike) < 2:
            continue
        first: dict[str, Path] = {}
        for path in alike:
            original = first.setdefault(_content(path), path)
            if original != path:
                repeated[path] = original
    return repeated


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def kept_together(
    entries: Sequence[Entry], paths: Sequence[Path], repeated: Mapping[Path, Path]
) -> list[Entry]:
    """Return entries of which equal files without a group share one, for a split yet to be drawn.

    Args:
        entries: all videos.
        paths: their files, in the same order.
        repeated: what `duplicates` found among them.
    """
    own = {path: entry for path, entry in zip(paths, entries, strict=True) if entry.group is None}
    groups = {
        path: own[original].id
        for repeat, original in repeated.items()
        if repeat in own and original in own
        for path in (repeat, original)
    }
    return [
        replace(entry, group=groups[path]) if path in groups else entry
        for path, entry in zip(paths, entries, strict=True)
    ]


def settle(plan: Plan, repeated: Mapping[Path, Path], *, action: str, root: Path) -> Plan:
    """Return the plan with its equal files reported (`report`) or but the first left out (`drop`).

    Raises:
        DataError: there are some and `action` is `error`.
    """
    by_path = {video.path: video for video in plan.videos}
    pairs = [
        (by_path[original], by_path[path])
        for path, original in repeated.items()
        if path in by_path and original in by_path
    ]
    if not pairs:
        return plan
    if action == "error":
        msg = (
            f"{root}: {len(pairs)} files repeat others, first {_shown(pairs[:1], root)}; remove "
            "them, or choose on_duplicates=report or drop"
        )
        raise DataError(msg)
    if action == "drop":
        bad = tuple(
            LeftOutFile(name_below(b.path, root), f"duplicate of {name_below(a.path, root)!r}")
            for a, b in pairs
        )
        kept = tuple(video for video in plan.videos if video.path not in repeated)
        return replace(plan, videos=kept, bad=plan.bad + bad)
    return replace(plan, notes=plan.notes + _notes(pairs, root))


def _notes(pairs: Sequence[tuple[PlannedVideo, PlannedVideo]], root: Path) -> tuple[str, ...]:
    notes = [f"{len(pairs)} files repeat others and are kept: {_shown(pairs, root)}"]
    leaks = [(a, b) for a, b in pairs if (a.entry.subset == "test") != (b.entry.subset == "test")]
    if leaks:
        notes.append(
            f"leak: {_tests_seen(pairs)} test videos are equal to training videos: "
            f"{_shown(leaks, root)}; on_duplicates=drop leaves out all but the first of each"
        )
    unlike = [(a, b) for a, b in pairs if a.entry.label != b.entry.label]
    if unlike:
        notes.append(f"{len(unlike)} files are equal but labelled unlike: {_shown(unlike, root)}")
    return tuple(notes)


def _tests_seen(pairs: Sequence[tuple[PlannedVideo, PlannedVideo]]) -> int:
    """Return how many test videos are equal to one of another subset; each pair begins alike."""
    alike: dict[Path, dict[Path, str]] = {}
    for first, other in pairs:
        members = alike.setdefault(first.path, {first.path: first.entry.subset})
        members[other.path] = other.entry.subset
    subsets = [list(members.values()) for members in alike.values()]
    return sum(each.count("test") for each in subsets if set(each) != {"test"})


def _shown(pairs: Sequence[tuple[PlannedVideo, PlannedVideo]], root: Path) -> str:
    shown = [
        f"{name_below(b.path, root)!r} ({b.entry.subset}) equals "
        f"{name_below(a.path, root)!r} ({a.entry.subset})"
        for a, b in pairs[:_SHOWN]
    ]
    more = [f"and {len(pairs) - _SHOWN} more"] if len(pairs) > _SHOWN else []
    return ", ".join(shown + more)
