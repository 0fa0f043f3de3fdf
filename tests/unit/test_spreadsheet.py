"""Cells that a spreadsheet would compute are shown as they are, and can be read back."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcc.spreadsheet import CsvWriter, plain_cell, plain_row, safe_cell


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1+cmd", "-2+3", "@SUM(A1)", "\t1", "\r1", "＝1+1", "-A1", "'quoted"]
)
def test_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"
    assert plain_cell(safe_cell(cell)) == cell


@pytest.mark.parametrize("cell", ["-0.5", "+3", "-1e-3", -0.5, 7, None, "", "walk", "a=b", "1-2"])
def test_numbers_and_plain_text_stay(cell: object) -> None:
    assert safe_cell(cell) == cell


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("a;=1+1", "a;'=1+1"),
        ("a; =1+1;-2", "a; '=1+1;'-2"),
        ("a\t@x", "a\t'@x"),
        ("a\n=x", "a\n'=x"),
        ("a;'=x", "a;''=x"),
        (";=x", ";'=x"),
        ("\t=1", "'\t'=1"),
        ("a;b", "a;b"),
    ],
)
def test_neither_does_a_formula_after_what_parts_cells_elsewhere(cell: str, shown: str) -> None:
    assert safe_cell(cell) == shown
    assert plain_cell(shown) == cell


@settings(max_examples=200, deadline=None)
@given(st.text("a;\t\n '=-@"))
def test_any_mix_of_them_comes_back(cell: str) -> None:
    assert plain_cell(safe_cell(cell)) == cell


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=4))
def test_every_row_comes_back(cells: list[str]) -> None:
    # csv cannot hold a NUL, and an empty row has no cells.
    cells = [cell.replace("\0", "") for cell in cells]
    text = io.StringIO(newline="")
    CsvWriter(text).writerows([[f"c{i}" for i in range(len(cells))], cells])
    (row,) = csv.DictReader(io.StringIO(text.getvalue(), newline=""))
    assert list(plain_row(row).values()) == cells
