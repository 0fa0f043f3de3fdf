"""Commands that tests run: in a session of their own, and ended with all that they started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from limits import HANG_S


def run_command(
    words: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    limit_s: float = HANG_S,
    **settings: Any,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return what it printed, as text, and its exit code.

    Where it does not end in `limit_s`, or the test is ended, its whole session is killed:
    `mlflow run` starts a process that would go on otherwise.

    Raises:
        subprocess.TimeoutExpired: it did not end in `limit_s`; what it printed is in there.
    """
    with session(words, cwd=cwd, env=env, **settings) as process:
        stdout, stderr = process.communicate(timeout=limit_s)
    return subprocess.CompletedProcess(list(words), process.returncode, stdout, stderr)


@contextlib.contextmanager
def session(
    words: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    **settings: Any,
) -> Iterator[subprocess.Popen[str]]:
    """Run a command in a session of its own while the block runs, and kill what is left of it."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(
        [str(word) for word in words],
        cwd=cwd,
        env=dict(env) if env is not None else None,
        start_new_session=True,
        **{**streams, **settings},
    )
    try:
        yield process
    finally:
        end_session(process)


def end_session(process: subprocess.Popen[Any]) -> None:
    """Kill a process that leads a session, and whatever is left of that."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(HANG_S)
