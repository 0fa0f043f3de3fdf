"""Every folder of the package is a room: few files, and a docstring that says what it is for."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest
from sources import MODULES as SOURCES
from sources import ROOT, tree_of

ROOMS = sorted({path.parent for path in SOURCES})
MOST_FILES = 16
MOST_FILES_OF_HALF = 10
# A module that joins more is several things: a reader has to know all of them to follow it.
MOST_IMPORTS = 15


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path) for path in SOURCES}


def modules_imported(source: ast.Module) -> set[str]:
    """Return the modules of vcc that a source imports, anywhere in it."""
    found = set()
    for node in ast.walk(source):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (names & MODULES) or {node.module}
    return found


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_a_room_is_small_and_says_what_it_is_for(room: Path) -> None:
    assert len(list(room.glob("*.py"))) <= MOST_FILES
    assert ast.get_docstring(tree_of(room / "__init__.py"))


def test_half_of_the_rooms_are_smaller_still() -> None:
    assert statistics.median(len(list(room.glob("*.py"))) for room in ROOMS) <= MOST_FILES_OF_HALF


def test_a_module_joins_few_others() -> None:
    found = {str(path.relative_to(ROOT)): modules_imported(tree_of(path)) for path in SOURCES}
    assert not {path: names for path, names in found.items() if len(names) > MOST_IMPORTS}


def test_imports_are_counted_by_module() -> None:
    text = (
        "import vcc.cli\nfrom vcc import errors\nfrom vcc.cli import say\ndef f(): import vcc.files"
    )
    assert modules_imported(ast.parse(text)) == {"vcc.cli", "vcc.errors", "vcc.files"}
