"""What folders mean: which of them are classes, which a split, and which are one too many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vcc.data.annotations.names import first_alike, listed
from vcc.data.annotations.subsets import is_split, our_subsets, subset_word, subsets_note
from vcc.data.folders.class_level import are_inner
from vcc.data.prepare.discovery import FoundVideo
from vcc.errors import DataError


@dataclass(frozen=True)
class Placed:
    """A video with the class that its folder names.

    `subset` and `group` (the session or the like that folders around the classes are) are "" where
    no folder names them.
    """

    video: FoundVideo
    label: str
    subset: str
    group: str = ""


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


def lay_out(
    found: Sequence[FoundVideo], root: Path, *, class_folders: str = "auto"
) -> FolderLayout:
    """Return what the folders mean.

    `train`, `val` and `test`, by whatever name and on whatever level all videos have them, are the
    split. A single folder around all others is passed through.

    Args:
        found: the videos.
        root: the folder that they lie under.
        class_folders: `outer`, `inner` or `auto`: which folders are the classes where sessions,
            persons or the like have folders, too.

    Raises:
        DataError: a folder beside those of the split, a split without class folders, or folders
            that do not tell which are the classes.
    """
    inside = [video for video in found if video.folders]
    level = _split_level([video.folders for video in inside], root)
    notes: list[str] = []
    words = [subset_word(video.folders[level]) if level is not None else None for video in inside]
    rests = [_without(video.folders, level) for video in inside]
    if level is not None:
        names = {video.folders[level] for video in inside}
        subsets = our_subsets({word for word in words if word})
        notes.append(subsets_note(f"the folders {listed(names)}", subsets))
        if not any(rests):
            msg = f"{root}: {listed(names)} hold no class folders; make one per class in each"
            raise DataError(msg)
    around = _around([rest for rest in rests if rest])
    if around:
        notes.append(
            f"all classes lie in {'/'.join(around)!r}: the folders below it are the classes"
        )
    below = [rest[len(around) :] for rest in rests]
    is_inner = are_inner([folders for folders in below if folders], root, wanted=class_folders)
    placed, loose = [], [video for video in found if not video.folders]
    for video, folders, word in zip(inside, below, words, strict=True):
        if folders:
            subset = subsets[word] if word else ""
            group = folders[0] if is_inner and not subset else ""
            placed.append(Placed(video, folders[is_inner], subset, group))
        else:
            loose.append(video)
    _check_apart({each.label for each in placed}, root)
    notes += _turned(below, has_split=level is not None) if is_inner else []
    depth = len(around) + 1 + is_inner
    notes += _deeper(placed, depth + (level is not None))
    depth += level is not None and level < depth
    return FolderLayout(tuple(placed), tuple(loose), depth, tuple(notes))


def _without(folders: tuple[str, ...], level: int | None) -> tuple[str, ...]:
    return folders if level is None else folders[:level] + folders[level + 1 :]


def _split_level(paths: Sequence[tuple[str, ...]], root: Path) -> int | None:
    """Return the level of folders that are the split, None where there is none."""
    for level in range(min(map(len, paths), default=0)):
        names = {folders[level] for folders in paths}
        words = {name: subset_word(name) for name in names}
        if not is_split(set(words.values())):
            _check_training(words, root)
            continue
        if others := sorted(name for name, word in words.items() if word is None):
            sides = sorted(name for name, word in words.items() if word)
            msg = (
                f"{root}: {listed(sides)} are a split, but {listed(others)} beside them no part "
                "of one; move it elsewhere, or name the videos' subsets in an annotation"
            )
            raise DataError(msg)
        return level
    return None


def _check_training(words: Mapping[str, str | None], root: Path) -> None:
    """Raise DataError if all folders are sides of a split, and none is for training."""
    if None not in words.values() and len(set(words.values())) > 1:
        msg = (
            f"{root}: {listed(list(words))} are sides of a split, but none is for training; put "
            "a folder train beside them, or rename them if they are classes"
        )
        raise DataError(msg)


def _around(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the folders that all class folders lie in."""
    depth = 0
    while paths and all(len(folders) > depth + 1 for folders in paths):
        if len({folders[depth] for folders in paths}) > 1:
            break
        depth += 1
    return paths[0][:depth] if paths else ()


def _check_apart(labels: set[str], root: Path) -> None:
    if pair := first_alike(labels):
        msg = (
            f"{root}: class folders {pair[0]!r} and {pair[1]!r} differ in upper and lower case, "
            "blanks or underscores alone; rename one"
        )
        raise DataError(msg)


def _turned(below: Sequence[tuple[str, ...]], *, has_split: bool) -> list[str]:
    outer = {folders[0] for folders in below if folders}
    inner = {folders[1] for folders in below if folders}
    use = "" if has_split else ", each of them a group that stays on one side of the split"
    return [
        f"the classes are the inner folders {listed(inner)}, the outer ones {listed(outer)} are "
        f"sessions or the like{use}; if they are the classes, give class_folders=outer"
    ]


def _deeper(placed: Sequence[Placed], depth: int) -> list[str]:
    deep = [each for each in placed if len(each.video.folders) > depth]
    if not deep:
        return []
    first = deep[0]
    return [
        f"videos in folders below their class folder: {len(deep)}, such as "
        f"{'/'.join((*first.video.folders, first.video.path.name))!r} of class {first.label!r}"
    ]
