"""What the labels of a data set are and which video is for training or test.

The form read and written as JSON is the thesis's, which is ActivityNet's:
`{"labels": [...], "database": {id: {"subset": "training", "annotations": {"label": ...}}}}`, here
with an optional `group` per video. Its `validation` subset is the official test list.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcc.data.names import group_of
from vcc.errors import DataError, nearest

# The thesis's subset names to ours. Videos of `testing` have no labels in ActivityNet and Kinetics.
_SUBSETS = {"training": "train", "train": "train", "validation": "test", "test": "test"}
_UNLABELLED = "testing"


@dataclass(frozen=True)
class Entry:
    """One video of an annotation: `subset` is train or test; `group` is what must stay together."""

    id: str
    label: str
    subset: str
    group: str | None


@dataclass(frozen=True)
class Annotation:
    """Labels in the order of their class numbers, videos, and the split's name."""

    labels: tuple[str, ...]
    entries: tuple[Entry, ...]
    split: str


def read_json(path: Path) -> Annotation:
    """Read an annotation in the thesis's form; the split is named after the file.

    A file name that ends in a number names an official split: `ucf101_02` is `split2`.

    Raises:
        DataError: the file is missing, is not in that form, or contradicts itself.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError:
        msg = f"{path}: no such annotation; give a JSON file with annotation=FILE"
        raise DataError(msg) from None
    except ValueError as error:
        msg = f"{path}: not a JSON file ({error}); give one with `labels` and `database`"
        raise DataError(msg) from None
    if not isinstance(content, dict) or not {"labels", "database"} <= content.keys():
        msg = f"{path}: has no `labels` and `database`; give an annotation in the thesis's form"
        raise DataError(msg)
    labels = tuple(map(str, content["labels"]))
    if len(set(labels)) != len(labels):
        msg = f"{path}: labels: a label is listed twice; list every label once"
        raise DataError(msg)
    entries = (
        _entry(video_id, values, labels, f"{path}: database.{video_id}")
        for video_id, values in content["database"].items()
    )
    return Annotation(labels, tuple(e for e in entries if e is not None), _split_of_file(path))


def split_name(number: int) -> str:
    """Return the name of a data set's official split, from whichever files it was read."""
    return f"split{number}"


def _split_of_file(path: Path) -> str:
    numbered = re.search(r"_0?([1-9])$", path.stem)
    return split_name(int(numbered[1])) if numbered else path.stem


def _entry(video_id: str, values: Any, labels: tuple[str, ...], where: str) -> Entry | None:
    subset = values.get("subset") if isinstance(values, dict) else None
    if subset == _UNLABELLED:
        return None
    if subset not in _SUBSETS:
        msg = f"{where}: subset is {subset!r}; give it `training` or `validation`"
        raise DataError(msg)
    annotations = values.get("annotations")
    label = annotations.get("label") if isinstance(annotations, dict) else None
    if label not in labels:
        msg = f"{where}: label {label!r} is not in `labels`: {nearest(str(label), labels)}"
        raise DataError(msg)
    group = values.get("group")
    return Entry(video_id, label, _SUBSETS[subset], str(group) if group else group_of(video_id))


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
