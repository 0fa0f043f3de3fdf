"""The product's source as syntax trees, each file read once for all tests that look at it."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(ROOT.glob("vcc/**/*.py"))
ENTRYPOINTS = sorted(ROOT.glob("entrypoints/*.py"))


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """Return a file's syntax tree, which nobody may change."""
    return ast.parse(path.read_text("utf-8"))
