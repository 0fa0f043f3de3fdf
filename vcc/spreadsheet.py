"""CSV text that a spreadsheet shows as it is, and does not compute.

A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a line break for a formula,
and file names and labels come from strangers. Such a cell gets an apostrophe in front, as a person
would type it; a number, such as -0.5, stays one. A cell that begins with an apostrophe itself gets
a second one, so that taking one away always gives the cell back (`plain_cell`).

Where people write 0,5, a spreadsheet takes semicolons for what parts cells, and quotes do not keep
it from that. So what would be a formula after a semicolon, a tab or a line break gets an apostrophe
as well.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

_MARK = "'"
_LINE_END = "\r\n"
# The wide forms are taken for the narrow ones where Chinese or Japanese is typed.
_FORMULA = "=+-@＝＋－＠"
_ACTIVE = tuple(f"{_FORMULA}\t\r\n{_MARK}")
# What parts cells elsewhere, apostrophes, and a formula; with one apostrophe at least.
_WITHIN = re.compile(rf"([;\t\r\n] *)('*[{re.escape(_FORMULA)}])")
_MARKED = re.compile(rf"([;\t\r\n] *)'('*[{re.escape(_FORMULA)}])")


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
    if not isinstance(cell, str) or _is_number(cell):
        return cell
    cell = _WITHIN.sub(rf"\1{_MARK}\2", cell)
    return _MARK + cell if cell.startswith(_ACTIVE) else cell


def plain_cell(cell: str) -> str:
    """Return what a cell was before `safe_cell`."""
    return _MARKED.sub(r"\1\2", cell.removeprefix(_MARK))


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
