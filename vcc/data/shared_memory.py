"""Whether the batches of loader workers find room in shared memory.

On Linux both of PyTorch's ways to share tensors, `file_descriptor` and `file_system`, open POSIX
shared memory, which lies in `/dev/shm`. A container often has 64 MB of it, less than one batch. A
worker that finds it full is ended by a bus error.
"""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

logger = logging.getLogger(__name__)

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - not a temporary file: where batches are shared
# PyTorch's default: batches that each worker makes ahead.
_PREFETCH = 2
# Other processes share it, too.
_USABLE_SHARE = 0.8
_MB = 1e6
_told: set[tuple[int, int, int]] = set()


def fitting_workers(n_workers: int, batch_bytes: int) -> int:
    """Return how many of the workers find room for their batches; a line says if fewer do.

    Args:
        n_workers: processes that are to make batches.
        batch_bytes: size of the largest batch.
    """
    free = _free_bytes()
    if not n_workers or free is None:
        return n_workers
    batches = int(_USABLE_SHARE * free / _local_processes() / max(1, batch_bytes))
    # One more is held by whoever reads them.
    fitting = min(n_workers, max(0, (batches - 1) // _PREFETCH))
    if fitting < n_workers:
        _tell(fitting, n_workers, batch_bytes, free)
    return fitting


def _free_bytes() -> int | None:
    """Return what is free for all processes, or None where shared memory lies elsewhere."""
    try:
        return shutil.disk_usage(SHARED_MEMORY).free
    except OSError:
        return None


def _local_processes() -> int:
    """Return how many processes of this training share the machine, as torchrun says."""
    told = os.environ.get("LOCAL_WORLD_SIZE", "1")
    return max(1, int(told)) if told.isdecimal() else 1


def _tell(fitting: int, asked: int, batch_bytes: int, free: int) -> None:
    # A loader is made for every epoch: the line is written once.
    if (fitting, asked, batch_bytes) in _told:
        return
    _told.add((fitting, asked, batch_bytes))
    logger.warning(
        "%s: %.0f MB free are too few for batches of %.1f MB: %s of %d loader workers; give a "
        "container more by --shm-size=2g or --ipc=host, or use a smaller batch_size",
        SHARED_MEMORY,
        free / _MB,
        batch_bytes / _MB,
        fitting or "none",
        asked,
    )
