"""What the labels of a data set are and which video is for training or test.

The form read and written as JSON is the thesis's, which is ActivityNet's:
`{"labels": [...], "database": {id: {"subset": "training", "annotations": {"label": ...}}}}`, here
with an optional `group` per video. Its `validation` subset is the official test list.
"""

from __future__ import annotations

import json
import re
import reprlib
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vcc.data.annotations.names import group_of, is_text
from vcc.errors import DataError, nearest, printable

# The thesis's subset names to ours. Videos of `testing` have no labels in ActivityNet and Kinetics.
_SUBSETS = {"training": "train", "train": "train", "validation": "test", "test": "test"}
_UNLABELLED = "testing"


@dataclass(frozen=True)
class Entry:
    """One video of an annotation: `group` is what must stay together, `subset` train, dev or test.

    `path` is how a list names the file, where that is more than the id.
    """

    id: str
    label: str
    subset: str
    group: str | None
    path: str = field(default="", compare=False)


@dataclass(frozen=True)
class Annotation:
    """Labels in the order of their class numbers, videos, and the split's name.

    Where `split` is empty the list says nothing of subsets, all videos are `train`, and the split
    is yet to be drawn. `notes` are remarks for the report.
    """

    labels: tuple[str, ...]
    entries: tuple[Entry, ...]
    split: str
    notes: tuple[str, ...] = field(default=(), compare=False)


def read_text(path: Path, *, missing: str) -> str:
    """Return the text of an annotation file in UTF-8, with or without a byte-order mark.

    Args:
        path: the file.
        missing: what the error says of a file that is not there or cannot be read.

    Raises:
        DataError: the file cannot be read or is not UTF-8.
    """
    try:
        return path.read_text("utf-8-sig")
    except OSError:
        msg = f"{path}: {missing}"
        raise DataError(msg) from None
    except UnicodeDecodeError as error:
        msg = f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8"
        raise DataError(msg) from None


def read_json(path: Path) -> Annotation:
    """Read an annotation in the thesis's form; the split is named after the file.

    A file name that ends in a number names an official split: `ucf101_02` is `split2`.

    Raises:
        DataError: the file is missing, is not in that form, or contradicts itself.
    """
    text = read_text(path, missing="no such annotation; give a JSON file with annotation=FILE")
    try:
        content = json.loads(text, object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        msg = f"{path}: not a JSON file ({error}); give one with `labels` and `database`"
        raise DataError(msg) from None
    if not isinstance(content, dict) or not {"labels", "database"} <= content.keys():
        msg = f"{path}: has no `labels` and `database`; give an annotation in the thesis's form"
        raise DataError(msg)
    labels, database = content["labels"], content["database"]
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        msg = f"{path}: labels: not a list of texts; list the classes' names in order"
        raise DataError(msg)
    if not isinstance(database, dict):
        msg = f"{path}: database: not an object; give it a key per video"
        raise DataError(msg)
    check_labels(labels, path)
    known = set(labels)
    entries = (
        _entry(video_id, values, known, f"{path}: database.{printable(video_id)}")
        for video_id, values in database.items()
    )
    kept = tuple(entry for entry in entries if entry is not None)
    check_entries(kept, path)
    return Annotation(tuple(labels), kept, _split_of_file(path))


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        msg = f"{twice!r} is there twice"
        raise ValueError(msg)
    return content


def check_labels(labels: Sequence[str], where: Path) -> None:
    """Raise DataError unless every class has a name of its own that can be stored."""
    if not labels:
        msg = f"{where}: labels: there are none; list every class"
        raise DataError(msg)
    for label, count in Counter(labels).items():
        if count > 1:
            msg = f"{where}: labels: a label is listed twice ({label!r}); list every label once"
            raise DataError(msg)
        if not _is_name(label):
            msg = f"{where}: labels: {label!r} is no name for a class; give it a valid one"
            raise DataError(msg)


def check_entries(entries: Sequence[Entry], where: Path) -> None:
    """Raise DataError unless there are videos, each listed once under a name that can be stored."""
    if not entries:
        msg = f"{where}: lists no video for training or test; give an annotation that does"
        raise DataError(msg)
    for video_id, count in Counter(entry.id for entry in entries).items():
        if count > 1:
            msg = f"{where}: video {video_id!r} is listed twice; list it once"
            raise DataError(msg)
        if not _is_name(video_id):
            msg = f"{where}: {video_id!r} is no name for a video; give it a valid one"
            raise DataError(msg)


def split_name(number: int) -> str:
    """Return the name of a data set's official split, from whichever files it was read."""
    return f"split{number}"


def _split_of_file(path: Path) -> str:
    numbered = re.search(r"_0?([1-9])$", path.stem)
    return split_name(int(numbered[1])) if numbered else path.stem


def _entry(video_id: str, values: Any, labels: Set[str], where: str) -> Entry | None:
    subset = values.get("subset") if isinstance(values, dict) else None
    if subset == _UNLABELLED:
        return None
    if not isinstance(subset, str) or subset not in _SUBSETS:
        msg = f"{where}: subset is {_shortened(subset)}; give it `training` or `validation`"
        raise DataError(msg)
    annotations = values.get("annotations")
    label = annotations.get("label") if isinstance(annotations, dict) else None
    if not isinstance(label, str) or label not in labels:
        hint = nearest(str(label), labels)
        msg = f"{where}: label {_shortened(label)} is not in `labels`: {hint}"
        raise DataError(msg)
    group = values.get("group")
    return Entry(video_id, label, _SUBSETS[subset], str(group) if group else group_of(video_id))


def _is_name(text: str) -> bool:
    # JSON's escapes can make half characters, which no file can hold.
    return bool(text.strip()) and is_text(text)


def _shortened(value: Any) -> str:
    return reprlib.repr(value)


def write_json(annotation: Annotation, path: Path) -> None:
    """Write an annotation in the thesis's form, one video per line."""
    thesis_names = {"train": "training", "test": "validation"}
    rows = [
        f"{json.dumps(entry.id)}: "
        + json.dumps({"subset": thesis_names[entry.subset], "annotations": {"label": entry.label}})
        for entry in annotation.entries
    ]
    labels, database = json.dumps(list(annotation.labels)), ",\n".join(rows)
    path.write_text(f'{{"labels": {labels},\n"database": {{\n{database}\n}}}}\n', "utf-8")
