"""What this process may use of the machine."""

from __future__ import annotations

import math
import os
from pathlib import Path

_QUOTA_FILE = Path("/sys/fs/cgroup/cpu.max")


def usable_cores() -> int:
    """Return the cores that this process may use, which can be fewer than there are.

    Fewer by its affinity (`taskset`, SLURM) or by its container's share of time (`docker --cpus`).
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return min(cores, _container_cores() or cores)


def _container_cores() -> int | None:
    # Linux control groups, version 2: microseconds of processor time per period, or "max".
    try:
        quota, period = _QUOTA_FILE.read_text().split()
        return max(1, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError, ZeroDivisionError):
        return None
