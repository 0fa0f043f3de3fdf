"""What folders mean: which of them are classes, which a split, and which are one too many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vcc.data.annotations.subsets import is_split, our_subsets, subset_word, subsets_note
from vcc.data.prepare.discovery import FoundVideo
from vcc.errors import DataError

_SHOWN = 5


@dataclass(frozen=True)
class Placed:
    """A video with the class that its folder names, and its subset: "" where none is named."""

    video: FoundVideo
    label: str
    subset: str


@dataclass(frozen=True)
class FolderLayout:
    """What the folders of a tree mean.

    Attributes:
        placed: the videos that lie in a class folder.
        loose: those that lie in none.
        class_depth: how many folders a path has down to its class folder, that one included.
        notes: a line each about what is not plain CLASS/VIDEO.
    """

    placed: tuple[Placed, ...]
    loose: tuple[FoundVideo, ...]
    class_depth: int
    notes: tuple[str, ...]

    @property
    def is_split(self) -> bool:
        """Whether the folders say which video is for training and which for test."""
        return any(each.subset for each in self.placed)


def lay_out(found: Sequence[FoundVideo], root: Path) -> FolderLayout:
    """Return what the folders mean.

    `train`, `val` and `test`, by whatever name and on whatever level all videos have them, are the
    split. A single folder around all others is passed through.

    Raises:
        DataError: a folder beside those of the split, or a split without class folders.
    """
    inside = [video for video in found if video.folders]
    level = _split_level([video.folders for video in inside], root)
    notes: list[str] = []
    words = [subset_word(video.folders[level]) if level is not None else None for video in inside]
    rests = [_without(video.folders, level) for video in inside]
    if level is not None:
        names = {video.folders[level] for video in inside}
        subsets = our_subsets({word for word in words if word})
        notes.append(subsets_note(f"the folders {_listed(names)}", subsets))
        if not any(rests):
            msg = f"{root}: {_listed(names)} hold no class folders; make one per class in each"
            raise DataError(msg)
    around = _around([rest for rest in rests if rest])
    if around:
        notes.append(
            f"all classes lie in {'/'.join(around)!r}: the folders below it are the classes"
        )
    placed, loose = [], [video for video in found if not video.folders]
    for video, rest, word in zip(inside, rests, words, strict=True):
        if len(rest) > len(around):
            subset = subsets[word] if word else ""
            placed.append(Placed(video, rest[len(around)], subset))
        else:
            loose.append(video)
    _check_case({each.label for each in placed}, root)
    notes += _deeper(placed, len(around) + (level is not None) + 1)
    depth = len(around) + 1 + (level is not None and level <= len(around))
    return FolderLayout(tuple(placed), tuple(loose), depth, tuple(notes))


def _without(folders: tuple[str, ...], level: int | None) -> tuple[str, ...]:
    return folders if level is None else folders[:level] + folders[level + 1 :]


def _split_level(paths: Sequence[tuple[str, ...]], root: Path) -> int | None:
    """Return the level of folders that are the split, None where there is none."""
    for level in range(min(map(len, paths), default=0)):
        names = {folders[level] for folders in paths}
        words = {name: subset_word(name) for name in names}
        if not is_split(set(words.values())):
            continue
        if others := sorted(name for name, word in words.items() if word is None):
            sides = sorted(name for name, word in words.items() if word)
            msg = (
                f"{root}: {_listed(sides)} are a split, but {_listed(others)} beside them no part "
                "of one; move it elsewhere, or name the videos' subsets in an annotation"
            )
            raise DataError(msg)
        return level
    return None


def _around(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the folders that all class folders lie in."""
    depth = 0
    while paths and all(len(folders) > depth + 1 for folders in paths):
        if len({folders[depth] for folders in paths}) > 1:
            break
        depth += 1
    return paths[0][:depth] if paths else ()


def _check_case(labels: set[str], root: Path) -> None:
    first: dict[str, str] = {}
    for label in sorted(labels):
        other = first.setdefault(label.casefold(), label)
        if other != label:
            msg = (
                f"{root}: class folders {other!r} and {label!r} differ in upper and lower case "
                "alone; rename one"
            )
            raise DataError(msg)


def _deeper(placed: Sequence[Placed], depth: int) -> list[str]:
    deep = [each for each in placed if len(each.video.folders) > depth]
    if not deep:
        return []
    first = deep[0]
    return [
        f"videos in folders below their class folder: {len(deep)}, such as "
        f"{'/'.join((*first.video.folders, first.video.path.name))!r} of class {first.label!r}"
    ]


def _listed(names: set[str] | Sequence[str]) -> str:
    ordered = sorted(names)
    shown = [repr(name) for name in ordered[:_SHOWN]]
    more = [f"{len(ordered) - _SHOWN} more"] if len(ordered) > _SHOWN else []
    *first, last = [*shown, *more]
    return f"{', '.join(first)} and {last}" if first else last
