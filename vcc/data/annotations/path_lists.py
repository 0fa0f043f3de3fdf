"""Lists of `PATH LABEL`: text or CSV, as mmaction2, SlowFast, Lightning and many others have them.

A file per subset (`train.csv`, `val.csv`), a column for it, or neither: then the split is drawn as
it is for folders. Labels are names, or numbers that a file of class names beside the list or the
videos' folders explain.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from vcc.data.annotations.annotation import (
    Annotation,
    Entry,
    check_entries,
    check_labels,
    read_lines,
    split_name,
)
from vcc.data.annotations.forms import LABEL_FORMS
from vcc.data.annotations.ids import listed_ids, without_suffix
from vcc.data.annotations.list_rows import ListRow, read_rows
from vcc.data.annotations.names import group_of
from vcc.data.annotations.subsets import our_subsets, subset_word, subsets_note
from vcc.data.annotations.ucf101 import TABLE_NAME
from vcc.errors import DataError, nearest

_SUFFIXES = (".txt", ".csv", ".tsv", ".list", ".lst")
_CLASS_NAMES = ("classInd.txt", "label_map.txt", "classes.txt", "class_names.txt", "labels.txt",
                "classes.csv", "labels.csv")  # fmt: skip
_NUMBERED_CLASS = re.compile(r"([0-9]{1,9})[\s,;]+(\S.*)")
_NUMBER = re.compile(r"[0-9]{1,9}")
_SPLIT = re.compile(r"split[_-]?0?([1-9])(?![0-9])")


@LABEL_FORMS.register("path-list")
class PathLists:
    """A list, with those of the other subsets beside it, or a folder of them."""

    accepts = "lists of PATH and LABEL (text or CSV)"
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
    rows = [
        replace(row, subset=_subset(row, word)) for path, word in lists.items()
        for row in read_rows(path)
    ]  # fmt: skip
    labelled = [row for row in rows if row.label or row.subset != "test"]
    for row in labelled:
        if not row.label:
            msg = f"{row.where}: no label for {row.path!r}; complete the row or take it out"
            raise DataError(msg)
    names, labels = _labelled(labelled, first.parent)
    subsets = _subsets({row.subset for row in labelled}, first)
    named = [names[row.label] if names else row.label for row in labelled]
    ids = listed_ids(named, [row.path for row in labelled])
    entries = tuple(
        _entry(row, video_id, label, subsets.get(row.subset, "train"))
        for row, video_id, label in zip(labelled, ids, named, strict=True)
    )
    check_entries(entries, first)
    check_labels(labels, first)
    notes = [subsets_note(_who(lists), subsets)] if subsets else []
    if len(labelled) < len(rows):
        notes.append(f"test videos without a label, left out: {len(rows) - len(labelled)}")
    return Annotation(labels, entries, _name(first) if subsets else "", tuple(notes))


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


def _labelled(
    rows: Sequence[ListRow], folder: Path
) -> tuple[dict[str, str] | None, tuple[str, ...]]:
    """Return number -> name of each label (None where labels are names), and names in order."""
    given = {row.label for row in rows}
    if not given or not all(_NUMBER.fullmatch(label) for label in given):
        return None, tuple(sorted(given))
    ordered = sorted(given, key=int)
    names = _class_names(folder, [int(label) for label in ordered])
    if names is None:
        names = _names_of_folders(rows) or {int(label): str(int(label)) for label in ordered}
    numbered = {label: names[int(label)] for label in ordered}
    return numbered, tuple(dict.fromkeys(numbered.values()))


def _class_names(folder: Path, numbers: Sequence[int]) -> dict[int, str] | None:
    """Return number -> name as a file of class names says, None where there is no such file.

    Raises:
        DataError: it lacks one of the numbers.
    """
    path = next((folder / name for name in _CLASS_NAMES if (folder / name).is_file()), None)
    if path is None:
        return None
    lines = [line for _, line in read_lines(path)]
    if lines and not _NUMBERED_CLASS.fullmatch(lines[0]) and len(lines) > 1:
        # The header of `id,name`.
        lines = lines[1:] if all(map(_NUMBERED_CLASS.fullmatch, lines[1:])) else lines
    matches = [_NUMBERED_CLASS.fullmatch(line) for line in lines]
    if all(matches):
        names = {int(match[1]): match[2].strip().strip('"') for match in matches if match}
    else:
        # A name per line, counted from 0 unless the list counts from 1.
        start = 1 if 0 not in numbers and max(numbers) == len(lines) else 0
        names = dict(enumerate(lines, start=start))
    if unknown := [number for number in numbers if number not in names]:
        msg = f"{path}: no class of the number {unknown[0]}, which a list names; correct one"
        raise DataError(msg)
    return names


def _names_of_folders(rows: Sequence[ListRow]) -> dict[int, str] | None:
    """Return number -> folder, None unless the two go together one to one."""
    folders: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        folders[int(row.label)].add(PurePosixPath(row.path).parent.name)
    names = {number: next(iter(found)) for number, found in folders.items() if len(found) == 1}
    one_to_one = len(names) == len(folders) == len(set(names.values()))
    return names if one_to_one and all(names.values()) else None


def _is_list(path: Path) -> bool:
    return path.suffix.casefold() in _SUFFIXES and path.name != TABLE_NAME


def _lists_in(folder: Path) -> list[Path]:
    return [
        path for path in sorted(folder.iterdir())
        if _is_list(path) and path.name not in _CLASS_NAMES and path.is_file()
    ]  # fmt: skip


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


def _who(lists: Mapping[Path, str]) -> str:
    names = [repr(path.name) for path in lists]
    return f"the lists {', '.join(names)}" if len(names) > 1 else f"the subsets of {names[0]}"


def _name(path: Path) -> str:
    if numbered := _SPLIT.search(path.name):
        return split_name(int(numbered[1]))
    return re.sub(r"[*_\-. ]+", " ", Path(_template(path)[0]).stem).strip() or "lists"
