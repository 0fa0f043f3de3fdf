"""A process that kills itself at a chosen moment, and whether what went on is the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
_TIMEOUT_S = 300


def run_until_killed(script: str, *words: str) -> None:
    """Run a script of tests/support that is to end by SIGKILL, and wait for that."""
    path = os.pathsep.join(str(ROOT / each) for each in ("", "tests", "tests/support"))
    done = subprocess.run(
        [sys.executable, script, *words],
        env={**os.environ, "PYTHONPATH": path},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


def die_at(owner: Any, name: str, count: int) -> None:
    """Have this process kill itself after the call of that number, from 1, of a function."""
    original = getattr(owner, name)
    calls = 0

    def counting(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        result = original(*args, **kwargs)
        calls += 1
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, counting)


def assert_same_state(one: nn.Module, other: nn.Module) -> None:
    """Check that two networks are equal to the last bit."""
    mine, theirs = one.state_dict(), other.state_dict()
    assert mine.keys() == theirs.keys()
    for name, tensor in mine.items():
        assert torch.equal(tensor, theirs[name]), name
