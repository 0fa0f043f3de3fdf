"""How much memory something takes: the growth of the process, at its peak."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

_EVERY_S = 0.002


@dataclass
class Growth:
    """What a block of code added to the memory of its process.

    Attributes:
        peak_bytes: the largest resident set during the block less the one before it; pages that
            the process had kept free count as nothing.
    """

    peak_bytes: int = 0


@contextmanager
def watch_memory() -> Iterator[Growth]:
    """Watch the resident set of this process from a thread while the block runs."""
    process, growth, ended = psutil.Process(), Growth(), threading.Event()
    before = int(process.memory_info().rss)

    def note() -> None:
        grown = int(process.memory_info().rss) - before
        growth.peak_bytes = max(growth.peak_bytes, grown)

    def watch() -> None:
        while not ended.wait(_EVERY_S):
            note()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield growth
    finally:
        note()
        ended.set()
        watcher.join()
