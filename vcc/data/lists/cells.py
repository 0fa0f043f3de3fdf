"""Text of a list to rows of cells, by whatever stands between them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from vcc.data.annotations.ids import is_video_name
from vcc.data.annotations.subsets import subset_word
from vcc.data.decoding.containers import VIDEO_SUFFIXES
from vcc.data.lists.columns import is_header, path_place
from vcc.errors import DataError

# Number of the line, from 1, and the cells on it.
Row = tuple[int, list[str]]

_DELIMITERS = ("\t", ",", ";", "|")
_NUMBER = re.compile(r"[0-9]{1,9}")
_ANY_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_OFFSET = re.compile(r"\S\s+[0-9]+$")
# A path and what follows it after a blank: a list without delimiters whose paths hold commas.
_BLANK_SEPARATED = re.compile(r"\.\w{2,5}\s+\S+$")
_SUFFIX = "|".join(re.escape(suffix[1:]) for suffix in sorted(VIDEO_SUFFIXES))
# Up to the last suffix of a video: paths may hold blanks.
_VIDEO_AND_REST = re.compile(rf"(.+\.(?:{_SUFFIX}))\s+(\S.*)", re.IGNORECASE)
# What Excel puts first, and remarks.
_NO_ROW = re.compile(r"\Asep=.$|^#\s.*$", re.MULTILINE)


def read_cells(text: str, where: str) -> list[Row]:
    """Return the rows of a list that hold something.

    Args:
        text: with commas, tabs, semicolons, bars or blanks between cells; quotes around a cell.
        where: the file, which begins messages.

    Raises:
        DataError: quotes that do not end, or blanks that do not say where a cell ends.
    """
    text = _NO_ROW.sub("", text)
    lines = [(n, line.strip()) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not lines:
        return []
    try:
        delimiter = _delimiter(text, [line for _, line in lines])
        return _delimited(text, delimiter) if delimiter else _blank_separated(lines, where)
    except csv.Error as error:
        msg = f"{where}: not rows of a list ({error}); correct it"
        raise DataError(msg) from None


def _delimiter(text: str, lines: Sequence[str]) -> str | None:
    """Return what stands between cells, None for blanks."""
    for delimiter in _DELIMITERS:
        if delimiter in text and _tells(_delimited(text, delimiter)):
            return delimiter
    for delimiter in _DELIMITERS:
        if not all(delimiter in line for line in lines):
            continue
        last = lines[-1].rpartition(delimiter)[2].strip()
        if not _BLANK_SEPARATED.search(last):
            return delimiter
    return None


def _tells(rows: Sequence[Row]) -> bool:
    """Return whether rows have one width and name their columns, or have one of video files."""
    cells = [cells for _, cells in rows]
    if len({len(each) for each in cells}) != 1 or len(cells[0]) < 2:
        return False
    columns = zip(*cells, strict=True)
    return is_header(cells[0]) or any(all(map(is_video_name, each)) for each in columns)


def _delimited(text: str, delimiter: str) -> list[Row]:
    quote = "'" if all(line.startswith("'") for line in text.split("\n") if line) else '"'
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=quote,
        skipinitialspace=True,
    )
    rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    return [(number, cells) for number, cells in rows if any(cells)]


def _blank_separated(lines: Sequence[tuple[int, str]], where: str) -> list[Row]:
    texts = [line for _, line in lines]
    if all(is_video_name(line) and not _quoted(line) for line in texts):
        cells = [[line] for line in texts]
    elif any(map(_quoted, texts)):
        cells = [_by_quotes(line) for line in texts]
    elif len(texts) > 1 and is_header(texts[0].split()):
        cells = _by_header(texts)
    else:
        cells = _by_places(texts, where)
    return [(number, each) for (number, _), each in zip(lines, cells, strict=True)]


def _quoted(line: str) -> bool:
    return any(line.startswith(quote) and line.count(quote) > 1 for quote in "\"'")


def _by_quotes(line: str) -> list[str]:
    quote = line[0] if line[0] in "\"'" else '"'
    (cells,) = csv.reader([line], delimiter=" ", quotechar=quote, skipinitialspace=True)
    return [cell for cell in cells if cell]


def _by_header(lines: Sequence[str]) -> list[list[str]]:
    """Return cells by the number of names in the first line; a path at an end may hold blanks."""
    names = lines[0].split()
    if path_place(names) == 0:
        return [names, *(line.rsplit(None, len(names) - 1) for line in lines[1:])]
    return [names, *(line.split(None, len(names) - 1) for line in lines[1:])]


def _by_places(lines: Sequence[str], where: str) -> list[list[str]]:
    """Return path, what else there is, and label of each line; a path may hold blanks."""
    matches = [_VIDEO_AND_REST.fullmatch(line) for line in lines]
    if all(matches):
        split = [(match[1], match[2].split()) for match in matches if match]
        return _after_videos(split, where)
    cells = [line.rsplit(None, 1) for line in lines]
    if any(len(each) < 2 for each in cells):
        return [[line] for line in lines]
    counted = [each[0].rsplit(None, 1) for each in cells]
    if all(len(each) == 2 and _NUMBER.fullmatch(each[1]) for each in counted):
        if len(lines) > 1 and all(_OFFSET.search(path) for path, _ in counted):
            msg = (
                f"{where}: rows of DIR OFFSET FRAMES LABEL: parts of a folder of frames are not "
                "read; make a folder of each, and write rows of path,label"
            )
            raise DataError(msg)
        # A folder of frames and how many there are.
        return [[*count, each[1]] for each, count in zip(cells, counted, strict=True)]
    return cells


def _after_videos(rows: Sequence[tuple[str, list[str]]], where: str) -> list[list[str]]:
    """Return the cells of paths of videos and the words after each."""
    words = [rest for _, rest in rows]
    if all(len(rest) == 2 and _NUMBER.fullmatch(rest[0]) for rest in words):
        return [[path, *rest] for path, rest in rows]
    if all(len(rest) > 1 and subset_word(rest[-1]) for rest in words):
        return [[path, " ".join(rest[:-1]), rest[-1]] for path, rest in rows]
    for path, rest in rows:
        if len(rest) > 1 and any(map(_ANY_NUMBER.fullmatch, rest)):
            msg = (
                f"{where}: {path!r} is followed by {' '.join(rest)[:60]!r}: not clear which of it "
                "is the label; write rows of path,label with commas"
            )
            raise DataError(msg)
    return [[path, " ".join(rest)] for path, rest in rows]
