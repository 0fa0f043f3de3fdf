"""Annotations in the list forms that data sets are published with.

UCF101: `classInd.txt`, `trainlistNN.txt` (`CLASS/VIDEO.avi NUMBER`), `testlistNN.txt`. HMDB51: one
`CLASS_test_splitN.txt` per class (`VIDEO.avi 1` training, 2 test, 0 unused). Kinetics: CSV with the
columns label, youtube_id, time_start, time_end and split.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from vcc.data.annotations.annotation import (
    Annotation,
    Entry,
    check_entries,
    check_labels,
    read_text,
    split_name,
)
from vcc.data.annotations.names import group_of
from vcc.data.annotations.ucf101 import CLASS_INDEX_NAME
from vcc.errors import DataError, nearest

# Not `str.isdigit`, which takes figures that `int` refuses.
_CLASS_NUMBER = re.compile(r"[0-9]{1,9}")
_HMDB_FILE = re.compile(r"^(?P<label>.+)_test_split(?P<split>\d)\.txt$")
_HMDB_SUBSETS = {"1": "train", "2": "test"}
_KINETICS_TIMES = ("time_start", "time_end")
_KINETICS_COLUMNS = {"label", "youtube_id", "split", *_KINETICS_TIMES}
_KINETICS_UNLABELLED = {"test", "testing"}
_KINETICS_SUBSETS = {"train": "train", "val": "test", "validate": "test", "validation": "test"}


def read_ucf_lists(folder: Path, split: int) -> Annotation:
    """Read the official lists of one split; raises DataError where a line makes no sense."""
    entries: list[Entry] = []
    index = _class_index(folder / CLASS_INDEX_NAME)
    for subset in ("train", "test"):
        path = folder / f"{subset}list{split:02d}.txt"
        for number, line in _lines(path):
            name, _, class_number = line.rpartition(" ") if subset == "train" else (line, "", "")
            video = PurePosixPath(name)
            label = video.parent.name
            if label not in index:
                msg = f"{path}:{number}: class {label!r} is not in {CLASS_INDEX_NAME}; correct it"
                raise DataError(msg)
            if subset == "train" and class_number != str(index[label]):
                msg = (
                    f"{path}:{number}: {class_number!r} is not the number of {label!r}, which is "
                    f"{index[label]} in {CLASS_INDEX_NAME}; correct it"
                )
                raise DataError(msg)
            entries.append(Entry(video.stem, label, subset, group_of(video.stem)))
    check_entries(entries, folder)
    return Annotation(tuple(index), tuple(entries), split_name(split))


def _class_index(path: Path) -> dict[str, int]:
    numbers: dict[int, str] = {}
    for number, line in _lines(path):
        text, _, label = line.partition(" ")
        if not _CLASS_NUMBER.fullmatch(text) or not label.strip():
            msg = f"{path}:{number}: {line!r} is not `NUMBER CLASS`; correct the class index"
            raise DataError(msg)
        if int(text) in numbers:
            msg = f"{path}:{number}: number {text} is given twice; correct the class index"
            raise DataError(msg)
        numbers[int(text)] = label.strip()
    ordered = sorted(numbers.items())
    check_labels([label for _, label in ordered], path)
    return {label: number for number, label in ordered}


def read_hmdb_lists(folder: Path, split: int) -> Annotation:
    """Read HMDB51's split files of one split; videos marked 0 are left out."""
    entries: list[Entry] = []
    labels: list[str] = []
    for path in sorted(folder.glob(f"*_test_split{split}.txt")):
        match = _HMDB_FILE.match(path.name)
        if match is None:
            continue
        labels.append(match["label"])
        for number, line in _lines(path):
            name, _, mark = line.rpartition(" ")
            if mark not in ("0", "1", "2") or not name:
                msg = f"{path}:{number}: {line!r} is not `VIDEO 0|1|2`; correct the split file"
                raise DataError(msg)
            if mark in _HMDB_SUBSETS:
                stem = PurePosixPath(name.strip()).stem
                entries.append(Entry(stem, labels[-1], _HMDB_SUBSETS[mark], None))
    if not labels:
        msg = f"{folder}: no split files for split {split}; give another split"
        raise DataError(msg)
    check_labels(labels, folder)
    check_entries(entries, folder)
    return Annotation(tuple(labels), tuple(entries), split_name(split))


def has_hmdb_lists(folder: Path) -> bool:
    """Return whether a folder holds HMDB51's split files."""
    return any(_HMDB_FILE.match(path.name) for path in folder.glob("*_test_split?.txt"))


def read_kinetics_csv(paths: list[Path]) -> Annotation:
    """Read Kinetics' CSV files; a video's group is its YouTube clip's source.

    Videos are named `YOUTUBEID_SSSSSS_EEEEEE` after start and end in seconds, as the usual download
    tools do. Rows of the unlabelled test set are left out.

    Raises:
        DataError: a file cannot be read, lacks a column, or a row makes no sense.
    """
    entries = [entry for path in paths for entry in _kinetics_entries(path)]
    labels = tuple(sorted({entry.label for entry in entries}))
    check_entries(entries, paths[0])
    check_labels(labels, paths[0])
    return Annotation(labels, tuple(entries), paths[0].stem)


def _kinetics_entries(path: Path) -> Iterator[Entry]:
    text = read_text(path, missing="cannot be read; give a Kinetics CSV file")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        if missing := _KINETICS_COLUMNS - set(reader.fieldnames or ()):
            msg = f"{path}: no column {', '.join(sorted(missing))}; give a Kinetics CSV file"
            raise DataError(msg)
        for row in reader:
            entry = _kinetics_entry(row, f"{path}:{reader.line_num}")
            if entry is not None:
                yield entry
    except csv.Error as error:
        where = f"{path}: after line {reader.line_num}"
        msg = f"{where}: not a row of a CSV file ({error}); correct it"
        raise DataError(msg) from None


def _kinetics_entry(row: Mapping[str, str | None], where: str) -> Entry | None:
    values = {name: (row[name] or "").strip() for name in _KINETICS_COLUMNS}
    if values["split"] in _KINETICS_UNLABELLED:
        return None
    if empty := sorted(name for name, value in values.items() if not value):
        msg = f"{where}: nothing in {', '.join(empty)}; complete the row or take it out"
        raise DataError(msg)
    if values["split"] not in _KINETICS_SUBSETS:
        hint = nearest(values["split"], _KINETICS_SUBSETS)
        msg = f"{where}: split {values['split']!r} is none of Kinetics': {hint}"
        raise DataError(msg)
    start, end = (_seconds(values[name], f"{where}: {name}") for name in _KINETICS_TIMES)
    video_id = f"{values['youtube_id']}_{start:06d}_{end:06d}"
    return Entry(
        video_id, values["label"], _KINETICS_SUBSETS[values["split"]], values["youtube_id"]
    )


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


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    text = read_text(
        path, missing="no such list file; give the folder that holds all lists of the split"
    )
    # Not `splitlines`, which also breaks names at characters that are no line ends in a file.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.strip()
