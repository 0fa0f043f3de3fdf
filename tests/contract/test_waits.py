"""No wait for another process or server is without a limit, and no process is forked.

The product's source is read for calls that wait and for calls that fork.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from sources import ENTRYPOINTS, MODULES, ROOT, tree_of

SOURCES = [*sorted(ROOT.glob("benchmarks/**/*.py")), *ENTRYPOINTS, *MODULES]

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


def calls(source: ast.Module) -> Iterator[tuple[ast.Call, str, str]]:
    """Yield each call of a file with the names of its owner and of itself."""
    for node in ast.walk(source):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            yield node, name, node.func.attr


def has_limit(call: ast.Call, positions: int | None) -> bool:
    words = {word.arg for word in call.keywords}
    return bool(words & {"timeout", "blocking"}) or (
        positions is not None and len(call.args) >= positions
    )


def faults(source: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and fault of each call that may wait for ever or forks."""
    for call, owner, name in calls(source):
        if name in WAITING and owner in OWNERS.get(name, {owner}):
            if not has_limit(call, WAITING[name]):
                yield call.lineno, f"{owner}.{name} may wait for ever"
        elif owner == "os" and name in FORKS:
            yield call.lineno, "forks"
        elif name == "get_context":
            methods = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
            if methods not in (["spawn"], ["forkserver"]):
                yield call.lineno, f"starts processes by {methods}"


def test_waits_have_limits_and_nothing_forks() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {fault}"
        for path in SOURCES
        for line, fault in faults(tree_of(path))
    ]
    assert not found


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("subprocess.run(['a'])", "subprocess.run may wait for ever"),
        ("subprocess.run(['a'], timeout=3)", None),
        ("self.process.wait()", "process.wait may wait for ever"),
        ("self.process.wait(3)", None),
        ("lock.acquire(blocking=False)", None),
        ("schedule.run()", None),
        ("os.fork()", "forks"),
        ("mp.get_context('fork')", "starts processes by ['fork']"),
        ("mp.get_context()", "starts processes by []"),
        ("mp.get_context('spawn')", None),
    ],
)
def test_faults_are_seen(code: str, fault: str | None) -> None:
    assert [each for _, each in faults(ast.parse(code))] == ([fault] if fault else [])
