"""How much memory a file takes in a runtime: measured in a process that has done nothing before.

A process that ran other networks has freed pages that the next one takes without growing, so that
the growth of a long-lived process says nothing of one network.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
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


class MemoryMeter:
    """Measures files, each in a new process."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def peak_bytes(self, asked: Asked) -> int:
        """Return the peak of resident memory that loading a file and running it once adds.

        Raises:
            ExportError: the file cannot be loaded or run there.
        """
        try:
            return self._pool.submit(_measure, asked).result()
        except BrokenProcessPool:
            msg = f"provider {asked.provider}: the process that ran {asked.path} ended"
            raise ExportError(msg) from None


@contextmanager
def memory_meter() -> Iterator[MemoryMeter]:
    """Give a meter; its processes end with the block."""
    cheap = "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if cheap else "spawn")
    if cheap:
        context.set_forkserver_preload(_PRELOADED)
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        yield MemoryMeter(pool)


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
