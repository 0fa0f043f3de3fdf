"""The migration guides name every option, and every class with its fields, as the code does."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from vcc.cli import format_value
from vcc.compression.policies.pruning import PruningFlags
from vcc.compression.quantization.settings import OVERRIDE_KEYS
from vcc.compression.schedule.dialect import classes
from vcc.config.mlproject import ENTRY_POINTS
from vcc.config.thesis import ALIASES, REFUSED, SETTLED

DOCS = Path(__file__).resolve().parents[2] / "docs"
THESIS = (DOCS / "from_thesis.md").read_text().partition("## Options")[2]
DISTILLER = (DOCS / "from_distiller.md").read_text()
CLASSES = {
    name: spec.arguments.fields()
    for name, spec in classes().items()
    # torch documents its own
    if not getattr(spec.arguments, "of_torch", False)
}


def rows(text: str) -> list[list[str]]:
    """Return the cells of the table rows whose first cell begins with a name in code."""
    lines = [line for line in text.splitlines() if re.match(r"\| \*?`", line)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


OPTIONS = {cells[0].strip("`"): cells[1:] for cells in rows(THESIS)}


def of_the_code(option: str) -> tuple[str, str]:
    """Return the cells "default here" and "taken by" of an option of the thesis."""
    if option in REFUSED:
        return "gone", "-"
    if option in SETTLED:
        return f"only `{SETTLED[option][0]}`", "all"
    name = ALIASES.get(option, option)
    # `main` and `study` have defaults of their own.
    takers = {
        entry: field
        for entry, (_, cls) in ENTRY_POINTS.items()
        if entry not in ("main", "study")
        for field in dataclasses.fields(cls)
        if field.name == name
    }
    field = takers.get("train") or list(takers.values())[-1]
    default = format_value(field.default)
    return f"`{default}`" if default else "not set", ", ".join(takers)


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_of_the_thesis_is_as_the_guide_says(option: str) -> None:
    _, default, takers, remark = OPTIONS[option]
    assert (default, takers) == of_the_code(option)
    if option in ALIASES:
        assert f"now called `{ALIASES[option]}`" in remark
    if option in REFUSED:
        assert remark == REFUSED[option]
    if option in SETTLED:
        assert remark == SETTLED[option][1]


def test_the_guide_has_every_option_of_the_thesis(shared: Path) -> None:
    text = (shared / "THESIS_OPTIONS.md").read_text()
    assert set(OPTIONS) == set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))


def names(cell: str) -> dict[str, bool]:
    """Return the names in code of a cell, and whether each is in italics: an extension."""
    return {name: bool(star) for star, name in re.findall(r"(\*?)`([^`]+)`", cell)}


DOCUMENTED = {
    name: (extension, names(cells[1]))
    for cells in rows(DISTILLER)
    for name, extension in names(cells[0]).items()
    if name in CLASSES and len(cells) == 3
}


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_is_documented_with_every_field(name: str) -> None:
    extension, fields = DOCUMENTED[name]
    assert list(fields) == list(CLASSES[name])
    for field, in_italics in fields.items():
        marked = CLASSES[name][field].help.startswith("extension")
        # `rounding_fn` is Distiller's, whose YAML could not express it.
        assert in_italics == (extension or (marked and field != "rounding_fn")), field


def test_no_class_is_documented_that_is_gone() -> None:
    assert {name for cells in rows(DISTILLER) if len(cells) == 3 for name in names(cells[0])} == {
        *CLASSES
    }


def test_policy_arguments_and_override_keys_are_documented() -> None:
    first = {name for cells in rows(DISTILLER) for name in names(cells[0])}
    assert {field.name for field in dataclasses.fields(PruningFlags)} | {"levels"} <= first
    assert set(OVERRIDE_KEYS) <= first
