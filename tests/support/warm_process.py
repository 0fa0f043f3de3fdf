"""Entry points in processes that start at once: forked from one that has imported all they need.

A process of its own imports for seconds, and what follows is what is to be interrupted. The first
process has one thread and has opened nothing, so that a copy of it is as good as a new one.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import runpy
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from killing import ROOT, Ended, FaultPoint
from limits import HANG_S

# Not OpenVINO, which starts a thread.
_PRELOADED = (
    "vcc",
    "lightning.pytorch",
    "mlflow.pyfunc",
    "mlflow.onnx",
    "matplotlib.pyplot",
    "onnxruntime",
    # What they import when they first need it: seconds of each process otherwise.
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
    "onnxscript",
    "torch.export",
)
_COMMANDS = ("compress", "evaluate", "export", "pipeline", "predict", "prepare", "promote",
             "search", "sensitivity", "study", "train")  # fmt: skip


@dataclass(frozen=True)
class Stop:
    """A signal, and when it is sent.

    Attributes:
        number: of the signal.
        after_s: seconds after the start, or after the moment below.
        moment: "module:function" that has to be called first; "" for the start.
    """

    number: int
    after_s: float
    moment: str = ""


@dataclass(frozen=True)
class Timed:
    """How an entry point ended, and how many seconds it took since its start or its moment."""

    ended: Ended
    seconds: float
    stopped: bool


class WarmProcess:
    """The process that entry points are forked from."""

    def __init__(self) -> None:
        path = os.pathsep.join(str(ROOT / each) for each in ("", "tests", "tests/support"))
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
        self._expect("ready")

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(HANG_S)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def call(
        self,
        name: str,
        words: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        point: FaultPoint | None = None,
    ) -> Ended:
        """Run an entry point as `killing.call_entry_point` does; there are no faults here."""
        assert point is None
        return self.run(name, words, folder=folder, environment=environment).ended

    def run(
        self,
        name: str,
        words: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        stop: Stop | None = None,
        moment: str = "",
    ) -> Timed:
        """Run an entry point, and send it a signal at its time unless it has ended by then.

        Args:
            name: of the module in `entrypoints`.
            words: its command line.
            folder: where it runs.
            environment: added to this process's.
            stop: the signal.
            moment: from which seconds are counted, as in `Stop`; that of `stop` where it is given.
        """
        moment = stop.moment if stop else moment
        # Of its own: another process may run in the same folder.
        log = folder / f"printed-{self._process.pid}.txt"
        task = {
            "name": name, "words": list(words), "folder": str(folder), "log": str(log),
            "environment": dict(environment), "moment": moment,
        }  # fmt: skip
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(task).encode() + b"\n")
        self._process.stdin.flush()
        pid = int(self._expect("pid").split()[1])
        line = self._line() if moment else ""
        started = time.monotonic()
        stopped = False
        if stop is not None and not line.startswith("ended") and not self._waits(stop.after_s):
            os.kill(pid, stop.number)
            stopped = True
        if not line.startswith("ended"):
            line = self._expect("ended")
        code = int(line.split()[1])
        printed = log.read_text(errors="replace") if log.exists() else ""
        return Timed(Ended(code, printed), time.monotonic() - started, stopped)

    def _waits(self, seconds: float) -> bool:
        """Return whether a line comes within so many seconds."""
        return bool(select.select([self._process.stdout], [], [], seconds)[0])

    def _line(self) -> str:
        # Byte by byte: what is buffered here cannot be waited for.
        assert self._process.stdout is not None
        found = b""
        while not found.endswith(b"\n"):
            assert self._waits(HANG_S), "the entry point hangs"
            byte = os.read(self._process.stdout.fileno(), 1)
            assert byte, "the process that entry points are forked from has ended"
            found += byte
        return found.decode().strip()

    def _expect(self, word: str) -> str:
        line = self._line()
        assert line.startswith(word), line
        return line


def _serve(tasks: IO[str], answers: int) -> None:
    for module in (*_PRELOADED, *(f"vcc.pipeline.commands.{name}" for name in _COMMANDS)):
        importlib.import_module(module)
    import torch

    torch.set_num_threads(1)
    assert threading.active_count() == 1
    _say(answers, "ready")
    for line in tasks:
        pid = os.fork()
        if pid == 0:
            _become(json.loads(line), answers)
            return
        _, status = os.waitpid(pid, 0)
        _say(answers, f"ended {os.waitstatus_to_exitcode(status)}")


def _become(task: dict[str, Any], answers: int) -> None:
    os.chdir(task["folder"])
    os.environ.update(task["environment"])
    log = os.open(task["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for target, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(source, target)
    random.seed()
    if task["moment"]:
        _tell_when(task["moment"], lambda: _say(answers, "moment"))
    _say(answers, f"pid {os.getpid()}")
    sys.argv = [task["name"], *task["words"]]
    runpy.run_module(f"entrypoints.{task['name']}", run_name="__main__")


def _tell_when(moment: str, tell: Callable[[], None]) -> None:
    owner, _, name = moment.partition(":")
    module = importlib.import_module(owner)
    original = getattr(module, name)

    def telling(*args: Any, **kwargs: Any) -> Any:
        tell()
        return original(*args, **kwargs)

    setattr(module, name, telling)


def _say(answers: int, line: str) -> None:
    os.write(answers, f"{line}\n".encode())


if __name__ == "__main__":
    # What entry points print goes elsewhere.
    own = os.dup(1)
    os.dup2(2, 1)
    _serve(sys.stdin, own)
