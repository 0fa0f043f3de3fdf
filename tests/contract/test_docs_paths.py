"""The files and names of code that the documentation speaks of exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sources import MODULES, ROOT

PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md",
         ROOT / "SECURITY.md"]  # fmt: skip
_TREES = ("vcc", "entrypoints", "tests", "benchmarks", "schedules", "docs")
_CODE = re.compile(r"`([^`\n]+)`")
# `NAME` in `path`, `NAME` of `path`: one sentence may break over a line.
_NAME_IN_FILE = re.compile(r"`(\w+)`\s+(?:in|of)\s+`([\w/]+\.py)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    in_code = _CODE.findall(page.read_text())
    named = [text for text in in_code if re.match(rf"({'|'.join(_TREES)})/", text)]
    # Capitals stand for a reader's own name.
    ours = [text for text in named if not re.search(r"[A-Z]{4}|[ *=]", text)]
    assert not [text for text in ours if not (ROOT / text).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_stand_in_the_files_that_the_page_says(page: Path) -> None:
    for name, path in _NAME_IN_FILE.findall(page.read_text()):
        assert re.search(rf"\b{name}\b", (ROOT / path).read_text()), f"{name} in {path}"


def test_names_are_found_at_all() -> None:
    text = (ROOT / "docs" / "extending_details.md").read_text()
    assert len(_NAME_IN_FILE.findall(text)) > 20


def test_the_guide_to_extending_names_one_file_and_one_test_for_each_thing() -> None:
    lines = (ROOT / "docs" / "extending.md").read_text().splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("|")][2:]
    assert len(rows) > 10
    for thing, file, test in rows:
        assert [len(_CODE.findall(cell)) for cell in (thing, file, test)] == [0, 1, 1], thing
        assert _CODE.findall(test)[0].startswith("tests/"), thing
    # It fits one screen.
    assert len(lines) < 40


def test_the_guide_to_extending_names_every_group_that_packages_can_register_in() -> None:
    declared = re.compile(r'^\s.*\bgroup="(vcc\.\w+)"', re.MULTILINE)
    groups = {group for path in MODULES for group in declared.findall(path.read_text())}
    said = set(_CODE.findall((ROOT / "docs" / "extending.md").read_text()))
    assert len(groups) > 10
    assert {text for text in said if re.fullmatch(r"vcc\.\w+", text)} == groups
