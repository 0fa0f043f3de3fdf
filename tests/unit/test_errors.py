"""Errors have exit codes of their own, and unknown names their nearest."""

from __future__ import annotations

import pytest

from vcc import errors
from vcc.errors import StoppedError, TrainingError, VccError, nearest, printable


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
