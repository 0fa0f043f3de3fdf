"""Every folder of the package is a room: few files, and a docstring that says what it is for."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = sorted({path.parent for path in ROOT.glob("vcc/**/*.py")})
MOST_FILES = 16


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_a_room_is_small_and_says_what_it_is_for(room: Path) -> None:
    assert len(list(room.glob("*.py"))) <= MOST_FILES
    assert ast.get_docstring(ast.parse((room / "__init__.py").read_text()))
