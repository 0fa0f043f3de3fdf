"""The figures that README.md and the guide to studies show are those of committed results."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def rows_of(text: str, *, head: str) -> list[list[str]]:
    """Return the rows of every table whose first column is called so, as lists of cells."""
    found: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[0] == head:
            inside = True
        elif inside and not cells[0].startswith("---"):
            found.append(cells)
    return found


def results(study: str) -> list[set[str]]:
    """Return the figures of each row of a study's committed table."""
    text = (ROOT / "results" / "study" / study / f"{study}.md").read_text("utf-8")
    rows = rows_of(text, head="model and method")
    return [{cell.split(" (")[0] if "±" in cell else cell for cell in row} for row in rows]


COMMITTED = [*results("tier1"), *results("tier2")]
SHOWN = [
    pytest.param(row, id=f"{page}: {row[0]}, {row[3]}")
    for page in ("README.md", "docs/study.md")
    for row in rows_of((ROOT / page).read_text("utf-8"), head="network")
    # A table of published figures stands in the guide, too: theirs have no deviation.
    if any("±" in cell for cell in row)
]


@pytest.mark.parametrize("row", SHOWN)
def test_a_row_s_figures_are_those_of_one_committed_row(row: list[str]) -> None:
    figures = {cell for cell in row[1:] if cell}
    assert len(figures) > 2
    assert any(figures <= committed for committed in COMMITTED), row


def test_every_row_is_looked_at() -> None:
    # six of README.md; eight of tier 1 and six of tier 2 in the guide
    assert len(SHOWN) == 20
    assert len(COMMITTED) == 14
