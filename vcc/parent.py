"""A program that `mlflow run` started ends with it.

MLflow does not pass on what ends it: its program would train on, and nobody would know.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

_logger = logging.getLogger(__name__)
_LOOK_EVERY_S = 1.0


def end_with_mlflow_run() -> None:
    """Watch the `mlflow run` that started this program, and end as by SIGTERM once it is gone.

    Does nothing where no `mlflow run` is among the parents.
    """
    starter = _mlflow_run() if "MLFLOW_RUN_ID" in os.environ else None
    if starter is not None:
        watch(lambda: _is_alive(starter), every_s=_LOOK_EVERY_S)


def watch(is_there: Callable[[], bool], *, every_s: float) -> threading.Thread:
    """Start a thread that sends this process SIGTERM once something is no longer there.

    Args:
        is_there: asked again and again.
        every_s: seconds between.
    """

    def look() -> None:
        while is_there():
            time.sleep(every_s)
        _logger.warning("the `mlflow run` that started this has ended")
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=look, name="watch mlflow run", daemon=True)
    thread.start()
    return thread


def _is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs; one that has ended is there until somebody asks for it."""
    import psutil

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _mlflow_run() -> psutil.Process | None:
    """Return the nearest parent that is `mlflow run`: there may be a shell in between."""
    import psutil  # here, since whoever asks for help does not need it

    try:
        return next((each for each in psutil.Process().parents() if _runs_projects(each)), None)
    except psutil.Error:
        return None


def _runs_projects(process: psutil.Process) -> bool:
    import psutil

    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return "run" in words and any("mlflow" in word for word in words[: words.index("run")])
