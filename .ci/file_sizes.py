"""Refuse files of more than 500 kB: wheels, videos and weights have no place in the repository.

Usage: python .ci/file_sizes.py [FILE ...]; without files, all that git tracks are looked at. What
counts is what git has staged, whatever lies on the disk.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LIMIT = 500_000
# Tables of a study and official lists may be larger: they are text that tests and readers need.
EXCEPT = {"results": {".csv", ".json", ".md", ".png"}, "annotation_UCF101": {".json", ".txt"}}


def too_large(sizes: dict[str, int]) -> list[str]:
    """Return a line for each file above the limit, with its size.

    Args:
        sizes: path in the repository to bytes.
    """
    return [
        f"{name.encode(errors='surrogateescape').decode(errors='replace')}: {size / 1000:.0f} kB, "
        f"at most {LIMIT / 1000:.0f} are taken"
        for name, size in sizes.items()
        if size > LIMIT and not _is_excepted(Path(name))
    ]


def _is_excepted(path: Path) -> bool:
    return path.suffix in EXCEPT.get(path.parts[0], ())


def staged() -> dict[str, int]:
    """Return the size of every file that git tracks, as it is staged; empty outside git."""
    if _git("rev-parse", "--git-dir") is None:
        return {}
    listed = _git("ls-files", "--stage", "--full-name", "-z", ":/") or b""
    rows = [row.split(b"\t", 1) for row in listed.split(b"\0") if row]
    blobs = [about.split()[1] for about, _ in rows if not about.startswith(b"160000")]
    names = [os.fsdecode(name) for about, name in rows if not about.startswith(b"160000")]
    found = _git("cat-file", "--batch-check=%(objectsize)", given=b"\n".join(blobs)) or b""
    return dict(zip(names, map(int, found.split()), strict=True))


def _git(*words: str, given: bytes | None = None) -> bytes | None:
    done = subprocess.run(
        ["git", *words], input=given, capture_output=True, check=False, timeout=60
    )
    return done.stdout if done.returncode == 0 else None


def sizes_of(files: list[str]) -> dict[str, int]:
    """Return the sizes of some files, those that git does not track as they are on the disk."""
    tracked, root = staged(), Path(os.fsdecode(_git("rev-parse", "--show-toplevel") or b"").strip())
    found = {}
    for name in files:
        path = Path(os.path.abspath(name))  # noqa: PTH100 - a link is not followed
        inside = path.is_relative_to(root.resolve()) and root.is_absolute()
        key = path.relative_to(root.resolve()).as_posix() if inside else os.path.normpath(name)
        found[key] = (
            tracked[key] if key in tracked else path.lstat().st_size if path.exists() else 0
        )
    return found


if __name__ == "__main__":
    sys.exit("\n".join(too_large(sizes_of(sys.argv[1:]) if sys.argv[1:] else staged())) or 0)
