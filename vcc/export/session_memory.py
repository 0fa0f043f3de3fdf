"""How much memory a file takes in a runtime: measured in a process that has done nothing before.

A process that ran other networks has freed pages that the next one takes without growing, so that
the growth of a long-lived process says nothing of one network.
"""

from __future__ import annotations

import functools
import multiprocessing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

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
    context = _context()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sender, asked), daemon=True)
    process.start()
    # The process has its own: with it gone, nobody can write and reading ends.
    sender.close()
    try:
        found: int | ExportError = receiver.recv()
    except EOFError:
        msg = f"provider {asked.provider}: the process that ran {asked.path} ended"
        raise ExportError(msg) from None
    finally:
        receiver.close()
        # It has nothing left to do; a runtime's threads may keep it from ending.
        process.kill()
        process.join()
    if isinstance(found, ExportError):
        raise found
    return found


@functools.cache
def _context() -> Any:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def _answer(sender: Connection, asked: Asked) -> None:
    """Send the figure, or why there is none."""
    try:
        sender.send(_measure(asked))
    except ExportError as error:
        sender.send(error)


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
