"""Names by which the videos of a data set are told apart, and which file a name means.

A video is called by its file's stem. Where stems repeat (`fight/0001.avi`, `noFight/0001.avi`),
more of the path is taken: `CLASS/STEM`, then the whole path.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from vcc.data.decoding.containers import VIDEO_SUFFIXES


def composed(text: str) -> str:
    """Return a text in composed Unicode (NFC): macOS stores names decomposed, lists hold both."""
    return unicodedata.normalize("NFC", text)


def without_suffix(name: str) -> str:
    """Return a name or path without the suffixes of video files at its end."""
    while (suffix := PurePosixPath(name).suffix) and suffix.casefold() in VIDEO_SUFFIXES:
        name = name[: -len(suffix)]
    return name


def is_video_name(name: str) -> bool:
    """Return whether a name or path ends as those of video files do."""
    return without_suffix(name) != name


def distinct(choices: Sequence[Sequence[str]]) -> list[str]:
    """Return a name per video: the first of its choices that no other video is called.

    Args:
        choices: names of each video, from the shortest on. Videos that have no choice of their own
            are called by their last one.
    """
    levels = [0] * len(choices)
    while True:
        names = [names[level] for names, level in zip(choices, levels, strict=True)]
        counts = Counter(names)
        stuck = True
        for number, name in enumerate(names):
            if counts[name] > 1 and levels[number] < len(choices[number]) - 1:
                levels[number] += 1
                stuck = False
        if stuck:
            return names


def listed_ids(labels: Sequence[str], paths: Sequence[str]) -> list[str]:
    """Return a name per video of a list.

    Args:
        labels: of each video.
        paths: as listed, with `/` between folders.
    """
    split = [PurePosixPath(path.lstrip("/")).parts for path in paths]
    common = _common_folders(split)
    choices = []
    for label, path in zip(labels, split, strict=True):
        stem, whole = without_suffix(path[-1]), "/".join(path[common:])
        choices.append((stem, f"{label}/{stem}", without_suffix(whole), whole))
    return distinct(choices)


def _common_folders(paths: Sequence[Sequence[str]]) -> int:
    """Return how many leading folders all paths share."""
    folders = [path[:-1] for path in paths]
    count = 0
    for level in zip(*folders, strict=False):
        if len(set(level)) > 1:
            break
        count += 1
    return count
