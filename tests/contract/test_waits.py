"""No wait for another process or server is without a limit, and no process is forked.

The product's source is read for calls that wait and for calls that fork.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path
    for folder in ("vcc", "entrypoints", "benchmarks")
    for path in ROOT.glob(f"{folder}/**/*.py")
)

# Calls that wait for somebody else, by their last name, and how many positional arguments give
# them a limit (None: only the keyword does).
WAITING = {
    "run": None,  # subprocess.run
    "check_output": None,
    "check_call": None,
    "communicate": None,
    "urlopen": None,
    "recv": None,
    "recv_bytes": None,
    "acquire": None,
    "Parallel": None,
    "FileLock": None,
    "Client": None,
    "wait": 1,
    "result": 1,
}
# Only these owners' `run`, `Client`, `wait` and `result` wait for another process.
OWNERS = {
    "run": {"subprocess"},
    "check_output": {"subprocess"},
    "check_call": {"subprocess"},
    "Parallel": {"joblib"},
    "FileLock": {"filelock"},
    "wait": {"process", "server", "worker", "future"},
    "result": {"future"},
    "Client": {"distributed"},
}
FORKS = {"fork", "forkpty"}


def calls(path: Path) -> Iterator[tuple[ast.Call, str, str]]:
    """Yield each call of a file with the names of its owner and of itself."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            yield node, name, node.func.attr


def has_limit(call: ast.Call, positions: int | None) -> bool:
    words = {word.arg for word in call.keywords}
    return bool(words & {"timeout", "blocking"}) or (
        positions is not None and len(call.args) >= positions
    )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_waits_have_limits_and_nothing_forks(path: Path) -> None:
    for call, owner, name in calls(path):
        where = f"{path.relative_to(ROOT)}:{call.lineno}"
        if name in WAITING and owner in OWNERS.get(name, {owner}):
            assert has_limit(call, WAITING[name]), f"{where}: {owner}.{name} may wait for ever"
        assert not (owner == "os" and name in FORKS), f"{where}: forks"
        if name == "get_context":
            (method,) = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
            assert method in ("spawn", "forkserver"), f"{where}: starts processes by {method}"
