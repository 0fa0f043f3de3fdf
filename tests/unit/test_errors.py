"""Messages in one line, and the names that a wrong one is near to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vcc.errors import VccError, nearest, one_line, printable

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("one", "one"),
        (" two\n\tlines  of ", "two lines of"),
        (VccError("a\nb"), "a b"),
        (KeyError(), "KeyError"),
        (ValueError("  "), "ValueError"),
        ("", ""),
    ],
)
def test_what_is_said_becomes_one_line(said: object, expected: str) -> None:
    assert one_line(said) == expected


def test_what_is_left_out_shows() -> None:
    assert one_line("abcdef", at_most=6) == "abcdef"
    assert one_line("abcdef", at_most=5) == "abcde..."
    assert one_line("a \n b", at_most=3) == "a b"


def test_lines_are_joined_in_one_place() -> None:
    joins = re.compile(r"""["'] ["']\.join\(.*\.split\(\)\)""")
    found = [path for path in ROOT.glob("vcc/**/*.py") if joins.search(path.read_text())]
    assert found == [ROOT / "vcc" / "errors.py"]


def test_the_nearest_names_are_suggested() -> None:
    assert nearest("resnte", ["resnet", "csn"]) == "did you mean resnet?"
    assert nearest("x", ["b", "a"]) == "known: a, b"
    assert nearest("x", []) == "none are known here"


def test_a_name_with_breaks_is_quoted() -> None:
    assert printable("plain") == "plain"
    assert printable("two\nlines") == repr("two\nlines")
