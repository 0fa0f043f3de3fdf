"""Size and digest of each source video, before it was scaled: what stored frames do not tell.

Written by `prepare` beside the manifest, and no part of it: the same frames are the same data.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from vcc.data.manifest import VideoRecord
from vcc.files import replacing
from vcc.spreadsheet import CsvWriter, plain_cell

SOURCES_NAME = "sources.csv"
_COLUMNS = ("id", "width", "height", "sha256")

Size = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source video: width and height in pixels, and its file's SHA-256, "" where not known."""

    width: int
    height: int
    sha256: str


def write_sources(sources: Mapping[str, Source], root: Path) -> Path:
    """Write what is known of each source, by video id, into a data set's folder."""
    path = root / SOURCES_NAME
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = CsvWriter(file)
        writer.writerow(_COLUMNS)
        writer.writerows((name, *astuple(source)) for name, source in sources.items())
    return path


def source_sizes(root: Path, videos: Sequence[VideoRecord]) -> list[Size] | None:
    """Return width and height of the source of each video, or None where that is not known.

    Data that was prepared before sizes were recorded has none.
    """
    path = root / SOURCES_NAME
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        rows = {
            plain_cell(row["id"]): (int(row["width"]), int(row["height"]))
            for row in csv.DictReader(file)
        }
    sizes = [rows.get(video.id, (0, 0)) for video in videos]
    return None if (0, 0) in sizes else sizes


def source_digests(root: Path) -> dict[str, str]:
    """Return video id -> SHA-256 of its source, without the videos of which it is not known."""
    path = root / SOURCES_NAME
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {plain_cell(row["id"]): row["sha256"] for row in rows if row.get("sha256")}
