"""Encodings of lists, as spreadsheets and shells save them."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.data.lists.encoding import decoded
from vcc.errors import DataError

TEXT = "path,label\ncafé/a.mp4,café\n走る/b.mp4,走る\n"


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_unicode_is_read(encoding: str, line_end: str) -> None:
    content = TEXT.replace("\n", line_end).encode(encoding)
    assert decoded(content, Path("a.csv")) == TEXT


def test_big_endian_with_its_mark() -> None:
    assert decoded(("\ufeff" + TEXT).encode("utf-16-be"), Path("a.csv")) == TEXT


def test_nothing_is_no_text() -> None:
    assert decoded(b"", Path("a.csv")) == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TEXT[:27].encode("latin-1"), r"byte 14\); as Windows-1252 or Latin-1 it .* read 'café'"),
        ("走る/a.avi run\n".encode("shift-jis"), "not UTF-8 text"),
        ("a.avi,run".encode("utf-16")[:-1], "looks like UTF-16 but is cut"),
        (b"PK\x03\x04 and more", "is an Excel, Numbers or zip file, not text; save it as CSV"),
        (b"a\0b\0\0c\0", "holds zero bytes"),
    ],
)
def test_what_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        decoded(content, Path("a.csv"))
    assert "\n" not in str(caught.value)
