"""What this process runs on: cores, the processor's instructions, packages."""

from __future__ import annotations

import functools
import importlib.metadata
import math
import os
from pathlib import Path

_QUOTA_FILE = Path("/sys/fs/cgroup/cpu.max")
_CPU_FILE = Path("/proc/cpuinfo")


def usable_cores() -> int:
    """Return the cores that this process may use, which can be fewer than there are.

    Fewer by its affinity (`taskset`, SLURM) or by its container's share of time (`docker --cpus`).
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return min(cores, _container_cores() or cores)


@functools.cache
def cpu_flags() -> frozenset[str]:
    """Return the flags of the first processor as Linux spells them; none where it does not say.

    They are lower-case words such as "avx2", "avx512_bf16" and, on Arm, "asimdhp".
    """
    try:
        text = _CPU_FILE.read_text("utf-8", errors="replace")
    except OSError:
        return frozenset()
    for line in text.splitlines():
        key, _, words = line.partition(":")
        # x86 calls them flags, Arm features.
        if key.strip() in ("flags", "Features"):
            return frozenset(words.lower().split())
    return frozenset()


def package_version(package: str) -> str | None:
    """Return an installed package's version, None when it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _container_cores() -> int | None:
    # Linux control groups, version 2: microseconds of processor time per period, or "max".
    try:
        quota, period = _QUOTA_FILE.read_text().split()
        return max(1, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError, ZeroDivisionError):
        return None
