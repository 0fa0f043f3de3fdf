"""The size of each source video, before it was scaled: what stored frames do not tell.

Written by `prepare` beside the manifest, and no part of it: the same frames are the same data.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from vcc.data.manifest import VideoRecord
from vcc.files import replacing

SOURCES_NAME = "sources.csv"
_COLUMNS = ("id", "width", "height")

Size = tuple[int, int]


def write_sources(sizes: Mapping[str, Size], root: Path) -> Path:
    """Write width and height in pixels per video id into a data set's folder."""
    path = root / SOURCES_NAME
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows((name, *size) for name, size in sizes.items())
    return path


def source_sizes(root: Path, videos: Sequence[VideoRecord]) -> list[Size] | None:
    """Return width and height of the source of each video, or None where that is not known.

    Data that was prepared before sizes were recorded has none.
    """
    path = root / SOURCES_NAME
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: (int(row["width"]), int(row["height"])) for row in csv.DictReader(file)}
    sizes = [rows.get(video.id, (0, 0)) for video in videos]
    return None if (0, 0) in sizes else sizes
