"""The thesis's form of labels, which is ActivityNet's: one JSON file.

`{"labels": [...], "database": {id: {"subset": "training", "annotations": {"label": ...}}}}`, here
with an optional `group` per video. Its `validation` subset is the official test list, unless there
are labelled videos of `test` beside it. Keys may end in the suffix of a video file.
"""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Set
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from vcc.data.annotations.annotation import (
    Annotation,
    Entry,
    check_entries,
    check_labels,
    read_text,
    split_name,
)
from vcc.data.annotations.forms import LABEL_FORMS
from vcc.data.annotations.ids import composed, distinct, without_suffix
from vcc.data.annotations.names import group_of
from vcc.data.annotations.subsets import our_subsets, subset_word, subsets_note
from vcc.errors import DataError, nearest, printable
from vcc.files import write_whole
from vcc.json_keys import keys_once

# Videos of this subset have no labels in ActivityNet and Kinetics.
_UNLABELLED = "testing"


@LABEL_FORMS.register("json")
class ThesisJson:
    """A file, or a folder with one JSON file in it."""

    accepts = "a JSON file in the thesis's form"
    # What no other form takes is read as JSON: the error then says what was expected.
    rank = 90

    def recognises(self, path: Path, split: int) -> bool:
        """Return whether a path is no folder, or one with a single JSON file."""
        return not path.is_dir() or len(_json_files(path)) == 1

    def read(self, path: Path, split: int) -> Annotation:
        """Return the annotation; the file has one split."""
        return read_json(_json_files(path)[0] if path.is_dir() else path)


def _json_files(folder: Path) -> list[Path]:
    return list(folder.glob("*.json"))


def read_json(path: Path) -> Annotation:
    """Read an annotation in the thesis's form; the split is named after the file.

    A file name that ends in a number names an official split: `ucf101_02` is `split2`.

    Raises:
        DataError: the file is missing, is not in that form, or contradicts itself.
    """
    text = read_text(path, missing="no such annotation; give a JSON file with annotation=FILE")
    try:
        content = json.loads(text, object_pairs_hook=keys_once)
    except (ValueError, RecursionError) as error:
        what = f"not a JSON file ({error})" if path.suffix == ".json" else "no list that is known"
        msg = f"{path}: {what}; give one with `labels` and `database`, or a .csv of path,label"
        raise DataError(msg) from None
    if not isinstance(content, dict) or not {"labels", "database"} <= content.keys():
        msg = (
            f"{path}: has no `labels` and `database`; give an annotation in the thesis's form, or "
            "a .csv file of path,label"
        )
        raise DataError(msg)
    labels, database = content["labels"], content["database"]
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        msg = f"{path}: labels: not a list of texts; list the classes' names in order"
        raise DataError(msg)
    if not isinstance(database, dict):
        msg = f"{path}: database: not an object; give it a key per video"
        raise DataError(msg)
    labels = [composed(label) for label in labels]
    check_labels(labels, path)
    known = set(labels)
    entries = (
        _entry(video_id, values, known, f"{path}: database.{printable(video_id)}")
        for video_id, values in database.items()
    )
    kept = [entry for entry in entries if entry is not None]
    ids = distinct([(without_suffix(entry.path), entry.path) for entry in kept])
    subsets = our_subsets({entry.subset for entry in kept})
    named = tuple(
        replace(entry, id=video_id, subset=subsets[entry.subset])
        for entry, video_id in zip(kept, ids, strict=True)
    )
    check_entries(named, path)
    notes = (subsets_note(f"those of {path.name!r}", subsets),) if "dev" in subsets.values() else ()
    return Annotation(tuple(labels), named, _split_of_file(path), notes)


def _split_of_file(path: Path) -> str:
    numbered = re.search(r"_0?([1-9])$", path.stem)
    return split_name(int(numbered[1])) if numbered else path.stem


def _entry(video_id: str, values: Any, labels: Set[str], where: str) -> Entry | None:
    subset = values.get("subset") if isinstance(values, dict) else None
    annotations = values.get("annotations") if isinstance(values, dict) else None
    if isinstance(annotations, list) and annotations:
        msg = (
            f"{where}: annotations is a list, as of segments; give one label of the whole video: "
            '{"label": ...}'
        )
        raise DataError(msg)
    label = annotations.get("label") if isinstance(annotations, dict) else None
    if subset == _UNLABELLED and label is None:
        return None
    word = subset_word(subset) if isinstance(subset, str) else None
    if word is None:
        msg = f"{where}: subset is {_shortened(subset)}; give it `training` or `validation`"
        raise DataError(msg)
    label = composed(label) if isinstance(label, str) else label
    if not isinstance(label, str) or label not in labels:
        hint = nearest(str(label), labels)
        msg = f"{where}: label {_shortened(label)} is not in `labels`: {hint}"
        raise DataError(msg)
    group, key = values.get("group"), composed(video_id)
    stem = without_suffix(PurePosixPath(key).name)
    return Entry(key, label, word, str(group) if group else group_of(stem), key)


def _shortened(value: Any) -> str:
    return reprlib.repr(value)


def write_json(annotation: Annotation, path: Path) -> None:
    """Write an annotation in the thesis's form, one video per line."""
    # `validation` is what is tested on, unless there is a subset between.
    has_dev = any(entry.subset == "dev" for entry in annotation.entries)
    thesis_names = {"train": "training", "dev": "validation"}
    thesis_names["test"] = "test" if has_dev else "validation"
    rows = [
        f"{json.dumps(entry.id)}: "
        + json.dumps({"subset": thesis_names[entry.subset], "annotations": {"label": entry.label}})
        for entry in annotation.entries
    ]
    labels, database = json.dumps(list(annotation.labels)), ",\n".join(rows)
    write_whole(path, f'{{"labels": {labels},\n"database": {{\n{database}\n}}}}\n')
