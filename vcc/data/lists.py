"""Annotations in the list forms that data sets are published with.

UCF101: `classInd.txt`, `trainlistNN.txt` (`CLASS/VIDEO.avi NUMBER`), `testlistNN.txt`. HMDB51: one
`CLASS_test_splitN.txt` per class (`VIDEO.avi 1` training, 2 test, 0 unused). Kinetics: CSV with the
columns label, youtube_id, time_start, time_end and split.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from vcc.data.annotation import Annotation, Entry, split_name
from vcc.data.names import group_of
from vcc.data.ucf101 import CLASS_INDEX_NAME
from vcc.errors import DataError

_HMDB_FILE = re.compile(r"^(?P<label>.+)_test_split(?P<split>\d)\.txt$")
_HMDB_SUBSETS = {"1": "train", "2": "test"}
_KINETICS_SUBSETS = {"train": "train", "val": "test", "validate": "test", "validation": "test"}


def read_ucf_lists(folder: Path, split: int) -> Annotation:
    """Read the official lists of one split; raises DataError where a line makes no sense."""
    entries: list[Entry] = []
    labels = _class_index(folder / CLASS_INDEX_NAME)
    for subset in ("train", "test"):
        path = folder / f"{subset}list{split:02d}.txt"
        for number, line in _lines(path):
            video = PurePosixPath(line.rpartition(" ")[0] if subset == "train" else line)
            label = video.parent.name
            if label not in labels:
                msg = f"{path}:{number}: class {label!r} is not in {CLASS_INDEX_NAME}; correct it"
                raise DataError(msg)
            entries.append(Entry(video.stem, label, subset, group_of(video.stem)))
    _check_unique(entries, folder)
    return Annotation(labels, tuple(entries), split_name(split))


def _class_index(path: Path) -> tuple[str, ...]:
    numbered: list[tuple[int, str]] = []
    for number, line in _lines(path):
        index, _, label = line.partition(" ")
        if not index.isdigit() or not label.strip():
            msg = f"{path}:{number}: {line!r} is not `NUMBER CLASS`; correct the class index"
            raise DataError(msg)
        numbered.append((int(index), label.strip()))
    return tuple(label for _, label in sorted(numbered))


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
    _check_unique(entries, folder)
    return Annotation(tuple(labels), tuple(entries), split_name(split))


def has_hmdb_lists(folder: Path) -> bool:
    """Return whether a folder holds HMDB51's split files."""
    return any(_HMDB_FILE.match(path.name) for path in folder.glob("*_test_split?.txt"))


def read_kinetics_csv(paths: list[Path]) -> Annotation:
    """Read Kinetics' CSV files; a video's group is its YouTube clip's source.

    Videos are named `YOUTUBEID_SSSSSS_EEEEEE` after start and end in seconds, as the usual download
    tools do. Rows of the unlabelled test set are left out.
    """
    entries: list[Entry] = []
    for path in paths:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            needed = {"label", "youtube_id", "time_start", "time_end", "split"}
            if missing := needed - set(reader.fieldnames or ()):
                msg = f"{path}: no column {', '.join(sorted(missing))}; give a Kinetics CSV file"
                raise DataError(msg)
            entries += _kinetics_entries(path, reader)
    _check_unique(entries, paths[0])
    labels = tuple(sorted({entry.label for entry in entries}))
    return Annotation(labels, tuple(entries), paths[0].stem)


def _kinetics_entries(path: Path, reader: csv.DictReader[str]) -> Iterator[Entry]:
    for row in reader:
        subset = _KINETICS_SUBSETS.get((row["split"] or "").strip())
        if subset is None or not row["label"]:
            continue
        try:
            start, end = (int(float(row[name])) for name in ("time_start", "time_end"))
        except ValueError:
            msg = f"{path}:{reader.line_num}: time_start or time_end is not a number; correct it"
            raise DataError(msg) from None
        video_id = f"{row['youtube_id']}_{start:06d}_{end:06d}"
        yield Entry(video_id, row["label"].strip(), subset, row["youtube_id"])


def _check_unique(entries: list[Entry], where: Path) -> None:
    seen: dict[str, Entry] = {}
    for entry in entries:
        first = seen.setdefault(entry.id, entry)
        if first is not entry:
            msg = f"{where}: video {entry.id!r} is listed twice; list it once"
            raise DataError(msg)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text("utf-8")
    except OSError:
        msg = f"{path}: no such list file; give the folder that holds all lists of the split"
        raise DataError(msg) from None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield number, line.strip()
