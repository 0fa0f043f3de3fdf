"""Labels of a list: names, or numbers and the names that they stand for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from vcc.data.annotations.annotation import read_lines
from vcc.data.lists.list_rows import ListRow
from vcc.errors import DataError

CLASS_NAMES = ("classInd.txt", "label_map.txt", "classes.txt", "class_names.txt", "labels.txt",
               "classes.csv", "labels.csv")  # fmt: skip
_NUMBERED_CLASS = re.compile(r"([0-9]{1,9})[\s,;]+(\S.*)")
# pandas writes whole numbers as 1.0 where a cell of the column is empty.
_NUMBER = re.compile(r"([0-9]{1,9})(\.0*)?")
_EMPTY = ("nan", "<na>")
_NO_NUMBER = (*_EMPTY, "-1", "-1.0", "null", "n/a", "")
_BETWEEN = re.compile(r"\s*[,;|]\s*")


def with_plain_labels(rows: Sequence[ListRow]) -> list[ListRow]:
    """Return rows whose labels, where they are numbers, are written as whole ones.

    NaN is no label, nor is -1 beside numbers.

    Raises:
        DataError: a label is a list of several.
    """
    others = {row.label for row in rows if row.label.casefold() not in _NO_NUMBER}
    if others and all(map(_NUMBER.fullmatch, others)):
        return [replace(row, label=_whole(row.label)) for row in rows]
    plain = [
        replace(row, label="" if row.label.casefold() in _EMPTY else row.label) for row in rows
    ]
    for row in plain:
        _check_single(row, others)
    return plain


def _check_single(row: ListRow, labels: Collection[str]) -> None:
    """Raise DataError if a label is made of others, or written as a list."""
    parts = _BETWEEN.split(row.label)
    is_list = row.label.startswith("[") and row.label.endswith("]")
    if is_list or (len(parts) > 1 and any(part in labels for part in parts)):
        msg = (
            f"{row.where}: {row.label[:80]!r} looks like a list of labels; a video is of one class "
            "here: write one name for each row"
        )
        raise DataError(msg)


def _whole(label: str) -> str:
    match = _NUMBER.fullmatch(label)
    return match[1] if match else ""


def named_labels(
    rows: Sequence[ListRow], folder: Path, lists: Collection[Path] = ()
) -> tuple[dict[str, str] | None, tuple[str, ...]]:
    """Return number -> name of each label (None where labels are names), and names in order.

    Args:
        rows: each with a label.
        folder: where a file of class names may lie.
        lists: files that are none, since they are the lists themselves.

    Raises:
        DataError: that file lacks one of the numbers.
    """
    given = {row.label for row in rows}
    if not given or not all(map(str.isdecimal, given)):
        return None, tuple(sorted(given))
    ordered = sorted(given, key=int)
    names = _class_names(folder, [int(label) for label in ordered], lists)
    if names is None:
        names = _names_of_folders(rows) or {int(label): str(int(label)) for label in ordered}
    numbered = {label: names[int(label)] for label in ordered}
    return numbered, tuple(dict.fromkeys(numbered.values()))


def _class_names(
    folder: Path, numbers: Sequence[int], lists: Collection[Path]
) -> dict[int, str] | None:
    """Return number -> name as a file of class names says, None where there is no such file.

    Raises:
        DataError: it lacks one of the numbers.
    """
    files = [folder / name for name in CLASS_NAMES]
    path = next((file for file in files if file.is_file() and file not in lists), None)
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
