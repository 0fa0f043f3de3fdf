"""How much memory a file takes in a runtime: measured in a process that has done nothing before.

A process that ran other networks has freed pages that the next one takes without growing, so that
the growth of a long-lived process says nothing of one network.
"""

from __future__ import annotations

import functools
import multiprocessing
import multiprocessing.context
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vcc.errors import ExportError
from vcc.export.memory import watch_memory
from vcc.export.runtimes import open_session

# Imported once, in the process that all others are copies of: packages are not the network's.
_PRELOADED = ["vcc.export.session_memory", "onnxruntime", "openvino"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A file, as `open_session` is told of it, and the shape [N, 3, T, H, W] that it is run at."""

    path: Path
    provider: str
    precision: str
    threads: int
    shape: tuple[int, ...]


def peak_bytes(asked: Asked) -> int:
    """Return the peak of resident memory that loading a file and running it once adds.

    Raises:
        ExportError: the file cannot be loaded or run there.
    """
    # A pool per file: one whose processes are replaced after a task can wait for ever in Python
    # 3.11 (CPython's issue 115634). What its processes are copies of is started only once.
    try:
        with ProcessPoolExecutor(1, mp_context=_context()) as pool:
            return pool.submit(_measure, asked).result()
    except BrokenProcessPool:
        msg = f"provider {asked.provider}: the process that ran {asked.path} ended"
        raise ExportError(msg) from None


@functools.cache
def _context() -> multiprocessing.context.BaseContext:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def _measure(asked: Asked) -> int:
    with watch_memory() as growth:
        session = open_session(
            asked.path,
            provider=asked.provider,
            threads=asked.threads,
            precision=asked.precision,
        )
        session.run(np.zeros(asked.shape, np.float32))
    return growth.peak_bytes
