"""Cells of a list, by whatever stands between them."""

from __future__ import annotations

import pytest

from vcc.data.lists.cells import read_cells
from vcc.errors import DataError


def cells(text: str) -> list[list[str]]:
    return [row for _, row in read_cells(text, "list.csv")]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("path label\na b.avi run\nc.avi walk\n", [["a b.avi", "run"], ["c.avi", "walk"]]),
        ("label path\nrun a b.avi\nwalk c.avi\n", [["run", "a b.avi"], ["walk", "c.avi"]]),
        ("path n label\nx/a 3 1\nx/b c 9 0\n", [["x/a", "3", "1"], ["x/b c", "9", "0"]]),
        ("path label split\na.avi run test\n", [["a.avi", "run", "test"]]),
    ],
)
def test_blanks_below_a_header(text: str, rows: list[list[str]]) -> None:
    assert cells(text) == [text.split("\n")[0].split(), *rows]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('"a, b.avi" run\nc.avi walk\n', [["a, b.avi", "run"], ["c.avi", "walk"]]),
        ("'a b.avi' 'my walk'\n'c.avi' run\n", [["a b.avi", "my walk"], ["c.avi", "run"]]),
        ('"a, b; c.avi";run\n"d, e.avi";walk\n', [["a, b; c.avi", "run"], ["d, e.avi", "walk"]]),
        ("a,1.avi;run\nb,2.avi;walk\n", [["a,1.avi", "run"], ["b,2.avi", "walk"]]),
        ("a;1.avi\trun\nb;2.avi\twalk\n", [["a;1.avi", "run"], ["b;2.avi", "walk"]]),
        ("'a, b.avi','run'\n'c.avi','walk'\n", [["a, b.avi", "run"], ["c.avi", "walk"]]),
        ("a b.avi|run\nc.avi|walk\n", [["a b.avi", "run"], ["c.avi", "walk"]]),
        ('"a\nb.avi",run\nc.avi,walk\n', [["a\nb.avi", "run"], ["c.avi", "walk"]]),
        ("sep=;\na.avi;run\n", [["a.avi", "run"]]),
        ("# what it is\na.avi;run\n", [["a.avi", "run"]]),
        ("a b.avi playing guitar\nc.avi run\n", [["a b.avi", "playing guitar"], ["c.avi", "run"]]),
        ("a.avi my run train\nb.avi walk val\n", [["a.avi", "my run", "train"],
                                                 ["b.avi", "walk", "val"]]),
        ("a.avi copy.MP4 run\n", [["a.avi copy.MP4", "run"]]),
    ],
)  # fmt: skip
def test_what_stands_between(text: str, rows: list[list[str]]) -> None:
    assert cells(text) == rows


def test_lines_keep_their_numbers() -> None:
    assert read_cells("# remark\n\na.avi,run\n", "list.csv") == [(3, ["a.avi", "run"])]


@pytest.mark.parametrize("text", ["a.avi 1 5 7\nb.avi 2\n", "Abuse1.mp4 Abuse 165 240 -1 -1\n"])
def test_more_than_a_label_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"list\.csv: '.*' is followed by .*: not clear which"):
        cells(text)
