"""Calls made side by side, in processes of joblib, and never waited for without end."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from typing import Any

import joblib

from vcc.errors import DataError

# Beyond what any video takes; it guards against processes that hang.
SILENCE_S = 6 * 3600


def side_by_side(
    calls: Iterable[Any], *, n_jobs: int, silence_s: float = SILENCE_S
) -> Iterator[Any]:
    """Make calls in processes and yield what they return, as it comes.

    Args:
        calls: made with `joblib.delayed`.
        n_jobs: processes; -1 for one per core.
        silence_s: longest wait for a call's end, in seconds.

    Raises:
        DataError: a call did not end in time.
        concurrent.futures.process.BrokenProcessPool: a process was killed.
    """
    # In this process, nobody is waited for.
    limit = silence_s if joblib.effective_n_jobs(n_jobs) > 1 else None
    parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered", timeout=limit)
    try:
        yield from parallel(calls)
    except multiprocessing.TimeoutError:
        msg = (
            f"no video was done in {silence_s / 3600:g} hours: can the videos and the output "
            "folder be reached? Run the same command again to go on"
        )
        raise DataError(msg) from None
