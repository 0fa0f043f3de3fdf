"""Lists of path and label, as mmaction2, SlowFast, Lightning and many others have them.

Text, CSV or JSON records. A file per subset (`train.csv`, `val.csv`), a column for it, or neither:
then the split is drawn as it is for folders. Labels are names, or numbers that a file of class
names beside the list or the videos' folders explain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from vcc.data.annotations.annotation import (
    Annotation,
    Entry,
    check_entries,
    check_labels,
    split_name,
)
from vcc.data.annotations.forms import LABEL_FORMS
from vcc.data.annotations.ids import listed_ids, without_suffix
from vcc.data.annotations.names import group_of
from vcc.data.annotations.subsets import our_subsets, subset_word, subsets_note
from vcc.data.annotations.ucf101 import TABLE_NAME
from vcc.data.lists.labels import CLASS_NAMES, named_labels, with_plain_labels
from vcc.data.lists.list_rows import ListRow, VideoList, read_list
from vcc.data.lists.records import is_records
from vcc.errors import DataError, nearest

_SUFFIXES = (".txt", ".csv", ".tsv", ".list", ".lst")
_SPLIT = re.compile(r"split[_-]?0?([1-9])(?![0-9])")


@LABEL_FORMS.register("path-list")
class PathLists:
    """A list, with those of the other subsets beside it, or a folder of them."""

    accepts = "lists of PATH and LABEL (text, CSV or JSON records)"
    rank = 50

    def recognises(self, path: Path, split: int) -> bool:
        """Return whether a path is a text or CSV file, or a folder with lists in it."""
        return bool(_lists_in(path)) if path.is_dir() else path.is_file() and _is_list(path)

    def read(self, path: Path, split: int) -> Annotation:
        """Return the annotation of a list and of those that belong to it."""
        return read_path_lists(_of_folder(path, split) if path.is_dir() else _with_others(path))


def read_path_lists(lists: Mapping[Path, str]) -> Annotation:
    """Read lists that belong together.

    Args:
        lists: the files, and the subset word (train, val, test or "") that each one's name says.

    Raises:
        DataError: a file cannot be read, a row makes no sense, or nothing is for training.
    """
    first = next(iter(lists))
    read = {path: read_list(path) for path in lists}
    rows = with_plain_labels([
        replace(row, subset=_subset(row, word)) for path, word in lists.items()
        for row in read[path].rows
    ])  # fmt: skip
    labelled = [row for row in rows if row.label or row.subset != "test"]
    for row in labelled:
        if not row.label:
            msg = f"{row.where}: no label for {row.path!r}; complete the row or take it out"
            raise DataError(msg)
    names, labels = named_labels(labelled, first.parent, lists)
    subsets = _subsets({row.subset for row in labelled}, first)
    named = [names[row.label] if names else row.label for row in labelled]
    ids = listed_ids(named, [row.path for row in labelled])
    entries = tuple(
        _entry(row, video_id, label, subsets.get(row.subset, "train"))
        for row, video_id, label in zip(labelled, ids, named, strict=True)
    )
    check_entries(entries, first)
    check_labels(labels, first)
    notes = _notes(read, labelled, subsets)
    if len(labelled) < len(rows):
        notes.append(f"test videos without a label, left out: {len(rows) - len(labelled)}")
    return Annotation(labels, entries, _name(first) if subsets else "", tuple(notes))


def _notes(
    lists: Mapping[Path, VideoList], rows: Sequence[ListRow], subsets: dict[str, str]
) -> list[str]:
    notes = [subsets_note(_who(lists), subsets)] if subsets else []
    if not subsets and any(row.subset for row in rows):
        notes.append(
            f"{_who(lists)} name training videos alone: others are drawn from them for test"
        )
    notes += dict.fromkeys(note for each in lists.values() for note in each.notes)
    like_groups = {name for each in lists.values() for name in each.columns.like_groups}
    if not subsets and like_groups:
        named = ", ".join(map(repr, sorted(like_groups)))
        notes.append(
            f"{named} may say which videos belong together: the split is drawn without it, so that "
            "they lie on both sides; rename the column to group to keep them together"
        )
    return notes


def _entry(row: ListRow, video_id: str, label: str, subset: str) -> Entry:
    stem = without_suffix(PurePosixPath(row.path).name)
    return Entry(video_id, label, subset, row.group or group_of(stem), row.path)


def _subset(row: ListRow, word: str) -> str:
    """Return the subset word of a row: its own, else its file's."""
    if not row.subset:
        return word
    own = subset_word(row.subset)
    if own is None:
        hint = nearest(row.subset, ("train", "val", "test"))
        msg = f"{row.where}: subset {row.subset[:40]!r} is none: {hint}"
        raise DataError(msg)
    return own


def _subsets(words: set[str], where: Path) -> dict[str, str]:
    """Return word -> subset; empty where the split is yet to be drawn."""
    if words <= {"", "train"}:
        return {}
    if "train" not in words:
        msg = f"{where}: lists no video for training; put the list of those beside it"
        raise DataError(msg)
    if "" in words:
        msg = f"{where}: some rows name a subset and some none; complete the column"
        raise DataError(msg)
    return our_subsets(words)


def _is_list(path: Path) -> bool:
    is_text = path.suffix.casefold() in _SUFFIXES and path.name != TABLE_NAME
    return is_text or is_records(path)


def _lists_in(folder: Path) -> list[Path]:
    lists = [path for path in sorted(folder.iterdir()) if _is_list(path) and path.is_file()]
    # A file of class names is none, unless it is all there is.
    return [path for path in lists if path.name not in CLASS_NAMES] or lists


def _template(path: Path) -> tuple[str, str]:
    """Return a file's name with a gap where it names a subset, and that subset's word or ""."""
    parts = re.split(r"([_\-. ]+)", path.stem)
    for number, part in enumerate(parts):
        if word := subset_word(part):
            return "".join([*parts[:number], "*", *parts[number + 1 :]]) + path.suffix, word
    return path.name, ""


def _with_others(path: Path) -> dict[Path, str]:
    """Return a list and those of the other subsets beside it, with their subset words."""
    template, word = _template(path)
    if not word:
        return {path: ""}
    found = {other: _template(other) for other in _lists_in(path.parent)}
    same = {other: name[1] for other, name in found.items() if name[0] == template}
    order = ("train", "val", "test")
    return dict(sorted(same.items(), key=lambda item: order.index(item[1])))


def _of_folder(folder: Path, split: int) -> dict[Path, str]:
    """Return the lists of a folder that belong together, those of a split where several do.

    Raises:
        DataError: more than one set of lists is there.
    """
    lists = _lists_in(folder)
    named = [path for path in lists if _template(path)[1]] or lists
    numbered = [path for path in named if (m := _SPLIT.search(path.name)) and int(m[1]) == split]
    sets = {_template(path)[0]: path for path in numbered or named}
    if len(sets) > 1:
        examples = " or ".join(repr(path.name) for path in list(sets.values())[:3])
        msg = f"{folder}: several lists; give one of them with annotation=FILE, such as {examples}"
        raise DataError(msg)
    return _with_others(next(iter(sets.values())))


def _who(lists: Mapping[Path, object]) -> str:
    names = [repr(path.name) for path in lists]
    return f"the lists {', '.join(names)}" if len(names) > 1 else f"the subsets of {names[0]}"


def _name(path: Path) -> str:
    if numbered := _SPLIT.search(path.name):
        return split_name(int(numbered[1]))
    return re.sub(r"[*_\-. ]+", " ", Path(_template(path)[0]).stem).strip() or "lists"
