"""JSON records to rows of a list: `[{"id": "1", "label": "run"}, ...]`, or one record per line.

So come Something-Something, Diving48 and what tables are exported as.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vcc.errors import DataError, one_line

_HEAD = 64
# Something-Something's classes: the labels beside them are sentences of the videos' own.
_TEMPLATE = "template"


def is_records(path: Path) -> bool:
    """Return whether a file is JSON that begins as a list of records, or has one on each line."""
    suffix = path.suffix.casefold()
    if suffix != ".json":
        return suffix in (".jsonl", ".ndjson")
    try:
        with path.open("rb") as file:
            return file.read(_HEAD).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"["
    except OSError:
        return False


def record_cells(text: str, path: Path) -> list[tuple[int, list[str]]]:
    """Return the number and the cells of each record, after a row of their keys numbered 0.

    What is no text, number or truth has no cell.

    Raises:
        DataError: the text is not JSON, or not records.
    """
    try:
        records = (
            json.loads(text)
            if path.suffix.casefold() == ".json"
            else [json.loads(line) for line in text.split("\n") if line.strip()]
        )
    except (ValueError, RecursionError) as error:
        msg = f"{path}: not JSON records ({one_line(error, at_most=80)}); correct the file"
        raise DataError(msg) from None
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        msg = f"{path}: not a list of JSON records; write rows of path,label to a .csv file"
        raise DataError(msg)
    keys = _keys(records)
    if not keys:
        return []
    header = ["label" if key == _TEMPLATE else key for key in keys]
    rows = [[_cell(record.get(key), key) for key in keys] for record in records]
    return [(0, header), *enumerate(rows, start=1)]


def _keys(records: Sequence[Mapping[str, Any]]) -> list[str]:
    keys = dict.fromkeys(
        key for record in records for key, value in record.items() if _is_plain(value)
    )
    if _TEMPLATE in keys:
        keys.pop("label", None)
    return list(keys)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _cell(value: Any, key: str) -> str:
    text = str(value).strip() if _is_plain(value) else ""
    return text.replace("[", "").replace("]", "") if key == _TEMPLATE else text
