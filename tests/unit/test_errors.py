"""Errors have exit codes of their own, and unknown names their nearest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vcc import errors
from vcc.errors import StoppedError, TrainingError, VccError, nearest, one_line, printable

ROOT = Path(__file__).resolve().parents[2]


def test_every_family_has_an_exit_code_of_its_own() -> None:
    found = [cls for cls in vars(errors).values() if isinstance(cls, type)]
    direct = [cls for cls in found if VccError in cls.__bases__]
    codes = [cls.exit_code for cls in (VccError, *direct)]
    assert len(direct) > 9
    assert len(set(codes)) == len(codes)
    assert StoppedError.exit_code == TrainingError.exit_code


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("epoch", ["epochs", "seed"], "did you mean epochs?"),
        ("abcd", ["abce", "abcf"], "did you mean abcf or abce?"),
        ("zzz", ["epochs", "seed"], "known: epochs, seed"),
        ("zzz", [], "none are known here"),
    ],
)
def test_the_nearest_names_are_told(name: str, known: list[str], hint: str) -> None:
    assert nearest(name, known) == hint


def test_as_many_suggestions_as_asked() -> None:
    assert nearest("abcd", ["abce", "abcf"], count=1) == "did you mean abcf?"


def test_a_name_never_breaks_a_line() -> None:
    assert printable("layer1.conv") == "layer1.conv"
    assert printable("a\nb") == r"'a\nb'"


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
