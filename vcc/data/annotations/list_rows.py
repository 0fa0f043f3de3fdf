"""Rows of a list of videos: text or CSV, with or without a header, by whatever delimiter."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vcc.data.annotations.annotation import read_text
from vcc.data.annotations.ids import is_video_name
from vcc.data.annotations.subsets import subset_word
from vcc.errors import DataError

_DELIMITERS = ("\t", ",", ";")
_NUMBER = re.compile(r"[0-9]{1,9}")
# A path and what follows it after a blank: a list without delimiters whose paths hold commas.
_BLANK_SEPARATED = re.compile(r"\.\w{2,5}\s+\S+$")

# Names of columns in a header, small letters and figures alone; the better ones first.
_PATH = ("path", "filepath", "videopath", "clippath", "relativepath", "file", "filename", "video",
         "videofile", "videoname", "clip", "clipname", "name", "videoid", "id")  # fmt: skip
_LABEL = ("label", "labels", "class", "classname", "labelname", "category", "action", "activity",
          "target", "tag", "classid", "labelid", "classindex", "labelindex")  # fmt: skip
_SUBSET = ("split", "subset", "set", "partition", "usage")
_GROUP = ("group", "groupid")


@dataclass(frozen=True)
class ListRow:
    """A row: `where` is file and line; what a list does not say is empty."""

    where: str
    path: str
    label: str
    subset: str
    group: str


@dataclass(frozen=True)
class _Columns:
    """The places of the cells that are read; -1 where there is none."""

    path: int = 0
    label: int = -1
    subset: int = -1
    group: int = -1


def column_name(text: str) -> str:
    """Return a column's name in small letters and figures alone: ` YouTube ID` is `youtubeid`."""
    return re.sub(r"[\W_]", "", text.casefold())


def read_rows(path: Path) -> list[ListRow]:
    """Return the rows of a list.

    A list has a header that names its columns; or a path alone, which names its class by its
    folder; or path and label; or path, label and subset; or path, number of frames and label.

    Raises:
        DataError: the file cannot be read, or is no such list.
    """
    text = read_text(path, missing="no such list file; give one with annotation=FILE")
    lines = [(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
    delimiter = _delimiter([line for _, line in lines]) if lines else None
    try:
        rows = _delimited(text, delimiter) if delimiter else _blank_separated(lines)
    except csv.Error as error:
        msg = f"{path}: not rows of a list ({error}); correct it"
        raise DataError(msg) from None
    if not rows:
        msg = f"{path}: lists no video; give a list of PATH and LABEL"
        raise DataError(msg)
    width = len(rows[0][1])
    for number, cells in rows:
        if len(cells) != width:
            msg = f"{path}:{number}: {len(cells)} cells where the first row has {width}; correct it"
            raise DataError(msg)
    columns = _header(rows[0][1])
    if columns is not None:
        rows = rows[1:]
    else:
        columns = _by_content([cells for _, cells in rows], path)
    return [_row(f"{path}:{number}", cells, columns) for number, cells in rows]


def _delimiter(lines: Sequence[str]) -> str | None:
    """Return what stands between cells, None for blanks."""
    for delimiter in _DELIMITERS:
        if all(delimiter in line for line in lines):
            last = lines[-1].rpartition(delimiter)[2].strip()
            if not _BLANK_SEPARATED.search(last):
                return delimiter
    return None


def _delimited(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    return [(number, cells) for number, cells in rows if any(cells)]


def _blank_separated(lines: Sequence[tuple[int, str]]) -> list[tuple[int, list[str]]]:
    """Return path and label of each line; a path may hold blanks, a label none."""
    split = [(number, line.strip().rsplit(None, 1)) for number, line in lines]
    if any(len(cells) < 2 for _, cells in split) or all(is_video_name(c[1]) for _, c in split):
        return [(number, [line.strip()]) for number, line in lines]
    counted = [cells[0].rsplit(None, 1) for _, cells in split]
    if all(len(cells) == 2 and _NUMBER.fullmatch(cells[1]) for cells in counted):
        # A folder of frames and how many there are.
        return [(n, [*c, cells[1]]) for (n, cells), c in zip(split, counted, strict=True)]
    return split


def _header(cells: Sequence[str]) -> _Columns | None:
    """Return the columns that a header names, None where the row is no header."""
    names = [column_name(cell) for cell in cells]
    path, label = _first(names, _PATH), _first(names, _LABEL)
    if path < 0 or label < 0:
        return None
    return _Columns(path, label, _first(names, _SUBSET), _first(names, _GROUP))


def _first(names: Sequence[str], known: Sequence[str]) -> int:
    return next((names.index(name) for name in known if name in names), -1)


def _by_content(rows: Sequence[Sequence[str]], path: Path) -> _Columns:
    """Return what the columns of a list without header are."""
    width = len(rows[0])
    if width == 1:
        return _Columns()
    if width == 2:
        is_swapped = all(is_video_name(label) and not is_video_name(name) for name, label in rows)
        return _Columns(1, 0) if is_swapped else _Columns(0, 1)
    if width == 3 and all(subset_word(cells[2]) for cells in rows):
        return _Columns(0, 1, 2)
    if width == 3 and all(_NUMBER.fullmatch(cells[1]) for cells in rows):
        return _Columns(0, 2)
    msg = (
        f"{path}: {width} columns and no header that says which they are; name them in the first "
        "row, such as path,label,split"
    )
    raise DataError(msg)


def _row(where: str, cells: Sequence[str], columns: _Columns) -> ListRow:
    path = cells[columns.path].replace("\\", "/")
    # Lists in a folder beside the videos' often begin so; which file is meant goes by the rest.
    while path.startswith(("./", "../")):
        path = path.partition("/")[2]
    if not path.strip("/"):
        msg = f"{where}: names no video; complete the row or take it out"
        raise DataError(msg)
    if columns.label < 0:
        label = path.rpartition("/")[0].rpartition("/")[2]
    else:
        label = cells[columns.label]
    subset = cells[columns.subset] if columns.subset >= 0 else ""
    return ListRow(where, path, label, subset, cells[columns.group] if columns.group >= 0 else "")
