"""A process that meets a fault at a chosen moment, and whether what went on is the same."""

from __future__ import annotations

import dataclasses
import errno
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from commands import run_command
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
_PATH = os.pathsep.join(str(ROOT / each) for each in ("", "tests", "tests/support"))


def run_until_killed(script: str, *words: str) -> None:
    """Run a script of tests/support that is to end by SIGKILL, and wait for that."""
    done = run_command(
        [sys.executable, script, *words],
        env={**os.environ, "PYTHONPATH": _PATH},
        cwd=ROOT,
    )
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


def die_at(owner: Any, name: str, count: int) -> None:
    """Have this process kill itself after the n-th call, from 1, of a function."""
    _act_at(owner, name, count, when="after", act=_die)


def _act_at(owner: Any, name: str, count: int, *, when: str, act: Callable[[], None]) -> None:
    original = getattr(owner, name)
    calls = 0

    def counting(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        mine = calls
        if mine == count and when == "before":
            act()
        result = original(*args, **kwargs)
        if mine == count and when == "after":
            act()
        return result

    setattr(owner, name, counting)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _fill_the_disk() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _lose_the_server() -> None:
    os.killpg(int(os.environ[SERVER_VARIABLE]), signal.SIGKILL)


SERVER_VARIABLE = "VCC_TEST_SERVER"
_ACTS = {"kill": _die, "fill": _fill_the_disk, "lose": _lose_the_server}


@dataclass(frozen=True)
class FaultPoint:
    """Where something happens to an entry point.

    Attributes:
        owner: "module" or "module:Class" of a function.
        name: of the function.
        count: its n-th call, from 1.
        when: "before" or "after" that call.
        what: "kill" the process; "fill" the disk, as the next write sees it; "lose" the tracking
            server, whose process group is in the variable `SERVER_VARIABLE`.
    """

    owner: str
    name: str
    count: int = 1
    when: str = "after"
    what: str = "kill"

    def arm(self) -> None:
        """Set it in this process."""
        module, _, attribute = self.owner.partition(":")
        owner = importlib.import_module(module)
        holder = getattr(owner, attribute) if attribute else owner
        _act_at(holder, self.name, self.count, when=self.when, act=_ACTS[self.what])

    def __str__(self) -> str:
        return f"{self.what} {self.when} {self.name} {self.count}"


@dataclass(frozen=True)
class Ended:
    """How an entry point ended: exit code (negative: the signal), and what it printed."""

    code: int
    printed: str


def call_entry_point(
    name: str,
    words: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    point: FaultPoint | None = None,
) -> Ended:
    """Run an entry point in a process of its own.

    Args:
        name: of the module in `entrypoints`.
        words: its command line.
        folder: where it runs.
        environment: added to this process's.
        point: the fault that it meets.
    """
    task = {"name": name, "words": list(words), "point": point and dataclasses.asdict(point)}
    done = run_command(
        [sys.executable, __file__, json.dumps(task)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": _PATH, **environment},
        stderr=subprocess.STDOUT,
    )
    return Ended(done.returncode, done.stdout)


def _run(name: str, words: list[str], point: dict[str, Any] | None) -> None:
    torch.set_num_threads(1)
    if point is not None:
        FaultPoint(**point).arm()
    sys.argv = [name, *words]
    runpy.run_module(f"entrypoints.{name}", run_name="__main__")


def assert_same_state(one: nn.Module, other: nn.Module) -> None:
    """Check that two networks are equal to the last bit."""
    mine, theirs = one.state_dict(), other.state_dict()
    assert mine.keys() == theirs.keys()
    for name, tensor in mine.items():
        assert torch.equal(tensor, theirs[name]), name


if __name__ == "__main__":
    _run(**json.loads(sys.argv[1]))
