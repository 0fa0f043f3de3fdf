"""UCF101's official lists, rebuilt from a table of clip counts.

The lists are regular: class by class, group by group, clips numbered from 1; split k tests on seven
of the 25 groups (K. Soomro, A. R. Zamir, M. Shah, "UCF101", CRCV-TR-12-01, 2012). So a table of 101
rows stands for six list files and three JSON annotations.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vcc.data.annotations.annotation import (
    Annotation,
    Entry,
    check_labels,
    read_text,
    split_name,
)
from vcc.data.annotations.names import group_of
from vcc.data.annotations.splits import OFFICIAL_TEST_GROUPS
from vcc.data.annotations.thesis_json import write_json
from vcc.errors import DataError
from vcc.files import write_whole

TABLE_NAME = "clip_counts.csv"
CLASS_INDEX_NAME = "classInd.txt"
GROUPS = 25

# Clips are numbered with two figures.
_MOST_CLIPS = 99

# The one class whose files are spelt differently from its folder.
_FILE_STEMS = {"HandstandPushups": "HandStandPushups"}


@dataclass(frozen=True)
class ClassRow:
    """A class of the table: its official number and its clips per group, group 1 first."""

    index: int
    label: str
    clips: tuple[int, ...]


def read_table(path: Path) -> tuple[ClassRow, ...]:
    """Read the table `index,class,g01,...,g25`; raises DataError where it is not one."""
    text = read_text(path, missing="no table of clip counts; restore it from the repository")
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row][1:]
        table = tuple(ClassRow(int(r[0]), r[1], tuple(map(int, r[2:]))) for r in rows)
    except (ValueError, IndexError, csv.Error) as error:
        msg = f"{path}: not a table of clip counts ({error}); restore it from the repository"
        raise DataError(msg) from None
    for row in table:
        if len(row.clips) != GROUPS or not all(0 <= count <= _MOST_CLIPS for count in row.clips):
            msg = (
                f"{path}: {row.label!r}: not {GROUPS} counts of 0 to {_MOST_CLIPS} clips; "
                "restore the table from the repository"
            )
            raise DataError(msg)
    check_labels([row.label for row in table], path)
    return table


def official_annotation(table: tuple[ClassRow, ...], split: int) -> Annotation:
    """Return an official split as an annotation: training videos first, each in official order."""
    entries = [entry for row in table for entry in _entries(row, split)]
    ordered = [e for subset in ("train", "test") for e in entries if e.subset == subset]
    return Annotation(tuple(row.label for row in table), tuple(ordered), split_name(split))


def _entries(row: ClassRow, split: int) -> Iterator[Entry]:
    stem = _FILE_STEMS.get(row.label, row.label)
    for group, clips in enumerate(row.clips, start=1):
        subset = "test" if group in OFFICIAL_TEST_GROUPS[split] else "train"
        for clip in range(1, clips + 1):
            video_id = f"v_{stem}_g{group:02d}_c{clip:02d}"
            yield Entry(video_id, row.label, subset, group_of(video_id))


def write_official_files(folder: Path) -> None:
    """Write class index, train and test lists and JSON of all splits beside the table.

    List files that are there already are left alone: a user's own copy wins.
    """
    table = read_table(folder / TABLE_NAME)
    numbers = {row.label: row.index for row in table}
    _write_missing(folder / CLASS_INDEX_NAME, [f"{row.index} {row.label}" for row in table])
    for split in OFFICIAL_TEST_GROUPS:
        annotation = official_annotation(table, split)
        paths = {e.id: f"{e.label}/{e.id}.avi" for e in annotation.entries}
        train = [e for e in annotation.entries if e.subset == "train"]
        test = [e for e in annotation.entries if e.subset == "test"]
        _write_missing(
            folder / f"trainlist{split:02d}.txt",
            [f"{paths[e.id]} {numbers[e.label]}" for e in train],
        )
        _write_missing(folder / f"testlist{split:02d}.txt", [paths[e.id] for e in test])
        json_path = folder / f"ucf101_{split:02d}.json"
        if not json_path.exists():
            write_json(annotation, json_path)


def _write_missing(path: Path, lines: list[str]) -> None:
    if not path.exists():
        write_whole(path, "".join(f"{line}\n" for line in lines))
