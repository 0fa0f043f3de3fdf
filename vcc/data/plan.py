"""What prepare is going to do, as data: which videos, under which labels and subsets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vcc.data.annotation import Entry
from vcc.data.discovery import BadFile


@dataclass(frozen=True)
class PlannedVideo:
    """A video file with its annotation entry."""

    path: Path
    entry: Entry


@dataclass(frozen=True)
class Plan:
    """Everything prepare needs to know before it reads the first frame."""

    labels: tuple[str, ...]
    split: str
    videos: tuple[PlannedVideo, ...]
    bad: tuple[BadFile, ...]
    notes: tuple[str, ...]


def name_below(path: Path, root: Path) -> str:
    """Return a file's name for people: its path below the folder of videos."""
    return str(path.relative_to(root))
