"""How much memory a file takes in a runtime: measured in a process that has done nothing before.

A process that ran other networks has freed pages that the next one takes without growing, so that
the growth of a long-lived process says nothing of one network. The measuring process is started
afresh, not forked: the copy of a process with threads can wait for ever for what they held. It
imports the runtimes and no more than they need.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import vcc
from vcc.errors import ExportError

# Far beyond what the largest network takes to load; it guards against a runtime that hangs.
LIMIT_S = 600
_PROGRAM = "from vcc.export.runtimes.file_memory import answer; answer()"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A file, as `open_session` is told of it, and the shape [N, 3, T, H, W] that it is run at."""

    path: Path
    provider: str
    precision: str
    threads: int
    shape: tuple[int, ...]


def peak_bytes(asked: Asked, *, limit_s: float = LIMIT_S) -> int:
    """Return the peak of resident memory that loading a file and running it once adds.

    Args:
        asked: what to load and run.
        limit_s: seconds after which the measuring process is ended.

    Raises:
        ExportError: the file cannot be loaded or run there, or there is no answer in `limit_s`.
    """
    question = json.dumps(dataclasses.asdict(asked), default=str)
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            input=question,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        msg = f"provider {asked.provider}: memory not measured: no answer in {limit_s:g} s"
        raise ExportError(msg) from None
    answered = done.stdout.splitlines()
    if done.returncode or not answered:
        why = (done.stderr.strip().splitlines() or ["no message"])[-1]
        msg = (
            f"provider {asked.provider}: memory not measured: the process that ran {asked.path} "
            f"ended with exit code {done.returncode} ({why})"
        )
        raise ExportError(msg)
    found = json.loads(answered[-1])
    if "error" in found:
        raise ExportError(found["error"])
    return int(found["peak_bytes"])


def answer() -> None:
    """Read a question from standard input and write the figure, or why there is none, as JSON."""
    question = json.load(sys.stdin)
    asked = Asked(**{**question, "path": Path(question["path"]), "shape": tuple(question["shape"])})
    try:
        found: dict[str, int | str] = {"peak_bytes": _measure(asked)}
    except ExportError as error:
        found = {"error": str(error)}
    sys.stdout.write("\n" + json.dumps(found) + "\n")
    sys.stdout.flush()
    # A runtime's threads may keep the process from ending, and there is nothing left to do.
    os._exit(0)


def _measure(asked: Asked) -> int:
    # Imported here: the process that asks has no use for them.
    import numpy as np

    from vcc.export.runtimes.catalog import import_runtime, open_session
    from vcc.export.runtimes.memory import watch_memory

    # Packages are not the network's.
    import_runtime(asked.provider)
    with watch_memory() as growth:
        session = open_session(
            asked.path,
            provider=asked.provider,
            threads=asked.threads,
            precision=asked.precision,
        )
        session.run(np.zeros(asked.shape, np.float32))
    return growth.peak_bytes


def _environment() -> dict[str, str]:
    """Return this process's environment, with the folder of this package first on the path."""
    paths = [str(Path(vcc.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
