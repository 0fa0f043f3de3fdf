"""CSV text that a spreadsheet shows as it is, and does not compute.

A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a line break for a formula,
and file names and labels come from strangers. Such a cell gets an apostrophe in front, as a person
would type it; a number, such as -0.5, stays one. A cell that begins with an apostrophe itself gets
a second one, so that taking one away always gives the cell back (`plain_cell`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

_MARK = "'"
_LINE_END = "\r\n"
# The wide forms are taken for the narrow ones where Chinese or Japanese is typed.
_ACTIVE = tuple("=+-@\t\r\n＝＋－＠" + _MARK)


class _Text(Protocol):
    def write(self, text: str, /) -> object: ...


class CsvWriter:
    """Writes rows as CSV, with lines that end in a newline alone.

    Args:
        file: takes text; opened with `newline=""` where it is a file.
    """

    def __init__(self, file: _Text) -> None:
        self._file = file

    def writerow(self, cells: Iterable[Any]) -> None:
        """Write one row."""
        line = io.StringIO(newline="")
        # Only with this end of a line is a cell with either of its characters put into quotes.
        csv.writer(line, lineterminator=_LINE_END).writerow([safe_cell(cell) for cell in cells])
        self._file.write(line.getvalue().removesuffix(_LINE_END) + "\n")

    def writerows(self, rows: Iterable[Iterable[Any]]) -> None:
        """Write many rows."""
        for row in rows:
            self.writerow(row)


def safe_cell(cell: Any) -> Any:
    """Return a cell that no spreadsheet computes; what is not text, or is a number, as it is."""
    if isinstance(cell, str) and cell.startswith(_ACTIVE) and not _is_number(cell):
        return _MARK + cell
    return cell


def plain_cell(cell: str) -> str:
    """Return what a cell was before `safe_cell`."""
    return cell.removeprefix(_MARK)


def plain_row(row: Mapping[str, str]) -> dict[str, str]:
    """Return a row as it was before it was written, its column names too."""
    return {
        plain_cell(name): plain_cell(cell) if isinstance(cell, str) else cell
        for name, cell in row.items()
    }


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text == text.strip()
