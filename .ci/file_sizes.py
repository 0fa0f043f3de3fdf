"""Refuse files of more than 500 kB: wheels, videos and weights have no place in the repository.

Usage: python .ci/file_sizes.py [FILE ...]; without files, all that git tracks are looked at.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LIMIT = 500_000
# Tables of a study and official lists may be larger: they are text that tests and readers need.
EXCEPT = ("results/", "annotation_UCF101/")


def too_large(files: list[str]) -> list[str]:
    """Return a line for each file above the limit, with its size."""
    found = []
    for name in files:
        path = Path(name)
        size = path.stat().st_size if path.is_file() else 0
        if size > LIMIT and not name.startswith(EXCEPT):
            found.append(f"{name}: {size / 1000:.0f} kB, at most {LIMIT / 1000:.0f} are taken")
    return found


def tracked() -> list[str]:
    """Return the files that git tracks, by their paths in the repository."""
    done = subprocess.run(
        ["git", "ls-files", "-z"], capture_output=True, text=True, check=True, timeout=60
    )
    return [name for name in done.stdout.split("\0") if name]


if __name__ == "__main__":
    sys.exit("\n".join(too_large(sys.argv[1:] or tracked())) or 0)
