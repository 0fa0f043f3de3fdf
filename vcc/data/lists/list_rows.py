"""Rows of a list of videos: text or CSV, with or without a header, by whatever delimiter."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vcc.data.annotations.annotation import read_text
from vcc.data.lists.cells import read_cells
from vcc.data.lists.columns import Columns, find_columns
from vcc.data.lists.records import is_records, record_cells
from vcc.errors import DataError

_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


@dataclass(frozen=True)
class ListRow:
    """A row: `where` is file and line; what a list does not say is empty."""

    where: str
    path: str
    label: str
    subset: str
    group: str


@dataclass(frozen=True)
class VideoList:
    """A list's rows and columns; `notes` are remarks for the report."""

    rows: tuple[ListRow, ...]
    columns: Columns
    notes: tuple[str, ...] = field(default=())


def read_list(path: Path) -> VideoList:
    """Return the rows of a list.

    A list has a header that names its columns; or a path alone, which names its class by its
    folder; or path and label; or path, label and subset; or path, number of frames and label.
    JSON records are such rows with a header.

    Raises:
        DataError: the file cannot be read, or is no such list.
    """
    text = read_text(path, missing="no such list file; give one with annotation=FILE")
    rows = record_cells(text, path) if is_records(path) else read_cells(text, str(path))
    if not rows:
        msg = f"{path}: lists no video; give a list of PATH and LABEL"
        raise DataError(msg)
    width = len(rows[0][1])
    rows = [(number, _without_empty_end(cells, width)) for number, cells in rows]
    for number, cells in rows:
        if len(cells) != width:
            msg = f"{path}:{number}: {len(cells)} cells where the first row has {width}; correct it"
            raise DataError(msg)
    columns = find_columns([cells for _, cells in rows], path)
    listed = [
        _row(f"{path}:{number}", cells, columns) for number, cells in rows[columns.is_named :]
    ]
    if not listed:
        msg = f"{path}: lists no video, only a header; give a list of PATH and LABEL"
        raise DataError(msg)
    _check_subsets(listed, columns)
    _check_readable(listed)
    return VideoList(tuple(listed), columns, tuple(_notes(path, listed, columns)))


def _without_empty_end(cells: Sequence[str], width: int) -> list[str]:
    """Return cells without the empty ones that a spreadsheet put behind a row."""
    return list(cells if any(cells[width:]) else cells[:width])


def _check_subsets(rows: Sequence[ListRow], columns: Columns) -> None:
    """Raise DataError if a column of subsets says nothing in some rows, and something in others."""
    blank = [row for row in rows if not row.subset]
    if columns.has_subsets and blank and len(blank) < len(rows):
        msg = (
            f"{blank[0].where}: nothing in the column of subsets, nor in {len(blank) - 1} other "
            "rows: some rows name a subset and some none; complete the column"
        )
        raise DataError(msg)


def _check_readable(rows: Sequence[ListRow]) -> None:
    """Raise DataError if a name is UTF-8 that a program took for Windows-1252 and saved so."""
    for row in rows:
        for part in _NOT_ASCII.findall(row.path + " " + row.label):
            with contextlib.suppress(UnicodeError):
                meant = part.encode("cp1252").decode("utf-8")
                msg = (
                    f"{row.where}: {part!r} is {meant!r} saved in the wrong encoding; save the "
                    "list anew as UTF-8 from its source"
                )
                raise DataError(msg)


def _notes(path: Path, rows: Sequence[ListRow], columns: Columns) -> list[str]:
    notes = []
    if columns.unread:
        named = ", ".join(repr(name) for name in columns.unread)
        notes.append(f"columns of {path.name!r} that are not read: {named}")
    if columns.has_subsets and not any(row.subset for row in rows):
        notes.append(f"the column of subsets in {path.name!r} is empty and not used")
    return notes


def _row(where: str, cells: Sequence[str], columns: Columns) -> ListRow:
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
    group = cells[columns.group] if columns.group >= 0 else ""
    return ListRow(where, path, label, columns.subset_of(cells, where), group)
