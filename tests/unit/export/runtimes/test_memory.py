"""The memory that something takes is seen at its peak, though it be given back."""

from __future__ import annotations

import mmap
import time

from tests.support.limits import HANG_S
from vcc.export.runtimes.memory import watch_memory

MIB = 2**20


def test_the_peak_counts_though_it_is_given_back() -> None:
    with watch_memory() as growth, mmap.mmap(-1, 64 * MIB) as pages:
        # New pages, which an allocator would take from what earlier tests gave back; resident once
        # they are written.
        pages.write(b"1" * (64 * MIB))
        # Writing holds the interpreter's lock, and the watcher looks only while it is free.
        ends = time.monotonic() + HANG_S
        while growth.peak_bytes < 60 * MIB and time.monotonic() < ends:
            time.sleep(0.01)
    assert 60 * MIB < growth.peak_bytes < 256 * MIB


def test_nothing_takes_nothing() -> None:
    with watch_memory() as growth:
        pass
    assert growth.peak_bytes < 4 * MIB
