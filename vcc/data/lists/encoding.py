"""Bytes of a list to text: UTF-8, or UTF-16 as Excel and PowerShell save it."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from vcc.errors import DataError, printable

# How far a file without a mark is looked at for the zero bytes of UTF-16.
_LOOKED_AT = 4096
_AROUND = 12
_WORDS = re.compile(r"[^\s,;:/\"']+")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_FILES = (
    (b"PK\x03\x04", "an Excel, Numbers or zip file"),
    (b"\xd0\xcf\x11\xe0", "an Excel file"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"SQLite format 3\x00", "a SQLite file"),
    (b"%PDF", "a PDF file"),
)


def decoded(content: bytes, path: Path) -> str:
    """Return the text of a file, its lines ended by `\\n` alone.

    Args:
        content: UTF-8 with or without a byte-order mark; UTF-16 likewise; UTF-32 with one.
        path: for messages.

    Raises:
        DataError: it is in another encoding, or no text at all.
    """
    for start, what in _OTHER_FILES:
        if content.startswith(start):
            msg = f"{path}: is {what}, not text; save it as CSV in UTF-8"
            raise DataError(msg)
    encoding = _encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(_refusal(content, path, encoding, error.start)) from None
    if "\0" in text:
        msg = f"{path}: holds zero bytes, as no text does; save it as UTF-8"
        raise DataError(msg)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _encoding(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    # Of most letters of UTF-16 one byte is zero: the second, or in big-endian files the first.
    start = content[:_LOOKED_AT]
    first, second = start[::2].count(0), start[1::2].count(0)
    if second > 4 * first:
        return "utf-16-le"
    return "utf-16-be" if first > 4 * second else "utf-8"


def _refusal(content: bytes, path: Path, encoding: str, start: int) -> str:
    if encoding not in ("utf-8", "utf-8-sig"):
        return f"{path}: looks like {encoding.upper()} but is cut or damaged; save it as UTF-8"
    around = content[max(0, start - _AROUND) : start + _AROUND].decode("cp1252", "replace")
    word = next(part for part in _WORDS.findall(around) if not part.isascii())
    return (
        f"{path}: not UTF-8 text (byte {start}); as Windows-1252 or Latin-1 it would read "
        f"{printable(word)!r}; save it as UTF-8 (Excel: 'CSV UTF-8')"
    )
