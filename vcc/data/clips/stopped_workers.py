"""Ends loader processes that somebody stopped (SIGSTOP): others wait for those without end.

PyTorch waits for a worker while it takes over a batch's memory, Python waits for workers at its
exit and for the server that forks them. None of these waits has a limit, and a stopped process does
not end by SIGTERM. A thread looks at them; once such a process is killed, each of the waits ends.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

logger = logging.getLogger(__name__)

_LOOK_S = 5.0
# A longer time between two looks is one in which this process did not run either.
_LONGEST_LOOK_S = 2 * _LOOK_S


@dataclass(kw_only=True)
class _Watched:
    process: psutil.Process
    limit_s: float
    stopped_s: float = 0.0


_watched: dict[int, _Watched] = {}
_lock = threading.Lock()
_watching = False


def end_if_stopped(pids: Iterable[int], *, limit_s: float) -> None:
    """Have processes killed once they have been stopped for so long, as long as they live.

    While this process is stopped, too, as by Ctrl-Z in a terminal, time does not count.

    Args:
        pids: of the processes.
        limit_s: seconds.
    """
    global _watching  # noqa: PLW0603 - one thread, for all loaders
    with _lock:
        for pid in pids:
            with contextlib.suppress(psutil.NoSuchProcess):
                _watched[pid] = _Watched(process=psutil.Process(pid), limit_s=limit_s)
        if _watched and not _watching:
            _watching = True
            # A daemon: it still looks while Python waits for workers at its exit.
            threading.Thread(target=_watch, name="stopped workers", daemon=True).start()


def _watch() -> None:
    global _watching  # noqa: PLW0603
    last = time.monotonic()
    while True:
        time.sleep(_LOOK_S)
        now = time.monotonic()
        with _lock:
            _look(min(now - last, _LONGEST_LOOK_S))
            if not _watched:
                _watching = False
                return
        last = now


def _look(seconds: float) -> None:
    for pid, watched in list(_watched.items()):
        try:
            _look_at(watched, seconds)
        except psutil.NoSuchProcess:
            del _watched[pid]


def _look_at(watched: _Watched, seconds: float) -> None:
    status = watched.process.status()
    if status == psutil.STATUS_ZOMBIE:
        raise psutil.NoSuchProcess(watched.process.pid)
    watched.stopped_s = watched.stopped_s + seconds if status == psutil.STATUS_STOPPED else 0.0
    if watched.stopped_s >= watched.limit_s:
        logger.warning(
            "process %d of the data loader was stopped (SIGSTOP) for %.0f s: it is ended",
            watched.process.pid,
            watched.stopped_s,
        )
        watched.process.kill()
