"""Every golden case has a test or a row in the table of differences; every row names real cases."""

from __future__ import annotations

import ast
import fnmatch
import functools
import re
from pathlib import Path

import pytest
from compression_goldens import golden_ids

ROOT = Path(__file__).resolve().parents[2]
READERS = sorted(
    path for path in ROOT.glob("tests/unit/**/*.py") if "compression_goldens" in path.read_text()
)
TABLE = (ROOT / "docs" / "schedules_differences.md").read_text()
CASES = golden_ids("")


@functools.cache
def cases_named_in_tests() -> tuple[set[str], set[str]]:
    """Return the texts in tests that may be ids, and the prefixes given to `golden_ids`."""
    texts: set[str] = set()
    prefixes: set[str] = set()
    for path in READERS:
        tree = ast.parse(path.read_text())
        left_out: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "golden_ids":
                prefix = node.args[0]
                assert isinstance(prefix, ast.Constant), f"{path}: golden_ids takes literal text"
                prefixes.add(str(prefix.value))
                left_out |= {id(inner) for word in node.keywords for inner in ast.walk(word)}
        texts |= {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in left_out
        }
    return texts, prefixes


def cases_of_the_table() -> list[str]:
    """Return the ids and patterns of the table's last column."""
    rows = [line.rstrip("| ").rpartition("|")[2] for line in TABLE.splitlines() if "|" in line]
    return [case for row in rows for case in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize("case", CASES)
def test_a_golden_case_is_tested_or_explained(case: str) -> None:
    texts, prefixes = cases_named_in_tests()
    tested = case in texts or any(prefix and case.startswith(prefix) for prefix in prefixes)
    explained = any(fnmatch.fnmatchcase(case, pattern) for pattern in cases_of_the_table())
    assert tested or explained, f"{case}: give it a test, or a row in docs/schedules_differences.md"


@pytest.mark.parametrize("pattern", cases_of_the_table())
def test_a_row_names_cases_that_exist(pattern: str) -> None:
    if not all(isinstance(case, str) for case in CASES):
        pytest.skip("no ../shared/distiller_golden")
    assert fnmatch.filter(CASES, pattern)
