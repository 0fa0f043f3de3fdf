"""Kinetics' CSV files, with the columns label, youtube_id, time_start, time_end and split.

Names of columns and subsets may be written with blanks and capitals.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from vcc.data.annotations.annotation import (
    Annotation,
    Entry,
    check_entries,
    check_labels,
    read_text,
)
from vcc.data.annotations.forms import LABEL_FORMS
from vcc.data.annotations.subsets import subset_word
from vcc.data.lists.columns import column_name
from vcc.errors import DataError, nearest

_KINETICS_TIMES = ("time_start", "time_end")
_KINETICS_COLUMNS = {"label", "youtube_id", "split", *_KINETICS_TIMES}
_LONGEST_HEADER = 10_000


@LABEL_FORMS.register("kinetics")
class KineticsCsv:
    """A CSV file, or a folder of them that are read as one."""

    accepts = "Kinetics' CSV files"
    rank = 30

    def recognises(self, path: Path, split: int) -> bool:
        """Return whether a path is a CSV file with YouTube's numbers, or a folder with one."""
        return bool(_csv_files(path))

    def read(self, path: Path, split: int) -> Annotation:
        """Return the annotation of all the files; it has one split."""
        return read_kinetics_csv(_csv_files(path))


def _csv_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(each for each in path.glob("*.csv") if _is_ours(each))
    return [path] if path.suffix.casefold() == ".csv" and _is_ours(path) else []


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return "youtubeid" in map(column_name, file.readline(_LONGEST_HEADER).split(","))


def read_kinetics_csv(paths: list[Path]) -> Annotation:
    """Read Kinetics' CSV files; a video's group is its YouTube clip's source.

    Videos are named `YOUTUBEID_SSSSSS_EEEEEE` after start and end in seconds, as the usual download
    tools do. Rows of the unlabelled test set are left out.

    Raises:
        DataError: a file cannot be read, lacks a column, or a row makes no sense.
    """
    read = [row for path in paths for row in _kinetics_rows(path)]
    entries = [entry for row in read if (entry := _kinetics_entry(*row)) is not None]
    labels = tuple(sorted({entry.label for entry in entries}))
    check_entries(entries, paths[0])
    check_labels(labels, paths[0])
    notes = [
        "time_start and time_end are part of the videos' names alone (ID_SSSSSS_EEEEEE): files are "
        "taken to be cut already"
    ]
    if left_out := len(read) - len(entries):
        labelled = sum(
            subset_word(row["split"]) == "test" and bool(row["label"]) for row, _ in read
        )
        notes.append(f"rows of test, left out: {left_out}, of which {labelled} have a label")
    return Annotation(labels, tuple(entries), paths[0].stem, tuple(notes))


def _kinetics_rows(path: Path) -> Iterator[tuple[dict[str, str], str]]:
    """Yield the cells that are read of each row, and the place of the row."""
    text = read_text(path, missing="cannot be read; give a Kinetics CSV file")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        own = {column_name(name): name for name in _KINETICS_COLUMNS}
        names = reader.fieldnames or ()
        reader.fieldnames = [own.get(column_name(name), name) for name in names]
        missing = _KINETICS_COLUMNS - set(reader.fieldnames)
        # Some lists of the test set have no labels; other rows without one are refused below.
        if missing - {"label"}:
            msg = f"{path}: no column {', '.join(sorted(missing))}; give a Kinetics CSV file"
            raise DataError(msg)
        for row in reader:
            cells = {name: (row.get(name) or "").strip() for name in _KINETICS_COLUMNS}
            yield cells, f"{path}:{reader.line_num}"
    except csv.Error as error:
        where = f"{path}: after line {reader.line_num}"
        msg = f"{where}: not a row of a CSV file ({error}); correct it"
        raise DataError(msg) from None


def _kinetics_entry(values: Mapping[str, str], where: str) -> Entry | None:
    subset = subset_word(values["split"])
    if subset == "test":
        return None
    if empty := sorted(name for name, value in values.items() if not value):
        msg = f"{where}: nothing in {', '.join(empty)}; complete the row or take it out"
        raise DataError(msg)
    if subset is None:
        hint = nearest(values["split"], ("train", "val", "test"))
        msg = f"{where}: split {values['split']!r} is none of Kinetics': {hint}"
        raise DataError(msg)
    start, end = (_seconds(values[name], f"{where}: {name}") for name in _KINETICS_TIMES)
    video_id = f"{values['youtube_id']}_{start:06d}_{end:06d}"
    ours = "train" if subset == "train" else "test"
    return Entry(video_id, values["label"], ours, values["youtube_id"])


def _seconds(text: str, where: str) -> int:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    # Videos are named with six figures.
    if not 0 <= seconds < 1_000_000:
        msg = f"{where} is {text[:20]!r}, not a number of seconds; correct it"
        raise DataError(msg)
    return int(seconds)
