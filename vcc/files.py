"""Files that are whole whatever happens: a killed process, a full disk, another process beside."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import filelock

from vcc.errors import VccError

_logger = logging.getLogger(__name__)
# Beyond what preparing the largest data set takes.
_LIMIT_S = 24 * 3600
_PARTIAL = ".partial-"
_LONGEST_SUFFIX = 20
# Nobody leaves a file alone for so long while it is being written.
_STALE_S = 24 * 3600


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to; what was written there takes the place of `path` at the end.

    Nothing is left of a file that could not be written. The folder is made. Two processes that
    write the same file at once do not meet: the one that ends last is seen.

    Raises:
        OSError: the file cannot be written; `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(path.parent)
    # A name of its own, and a short one: that of `path` may be as long as file systems allow.
    suffix = path.suffix if len(path.suffix) < _LONGEST_SUFFIX else ""
    partial = path.with_name(f"{_PARTIAL}{uuid.uuid4().hex}{suffix}")
    try:
        yield partial
        with partial.open("rb+") as file:
            # Some file systems put the new name on the disk before the content.
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        # A failed write, unlike a failed opening, does not say of which file.
        error.filename = error.filename or str(path)
        raise
    finally:
        partial.unlink(missing_ok=True)


def _remove_stale(folder: Path) -> None:
    """Remove what processes that were killed in earlier days had begun to write."""
    oldest = time.time() - _STALE_S
    for partial in folder.glob(f"{_PARTIAL}*"):
        with contextlib.suppress(OSError):
            if partial.is_file() and partial.stat().st_mtime < oldest:
                partial.unlink()


def write_whole(path: Path, text: str) -> None:
    """Write a text file (UTF-8) whole or not at all.

    Raises:
        OSError: it cannot be written; a file of that name is as it was.
    """
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process of this user and machine writes to a folder; keep them out.

    A process that is killed leaves no lock behind.

    Raises:
        VccError: the other process goes on for more than a day.
    """
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    # A lock file of another user could not be opened.
    user = getattr(os, "getuid", int)()
    place = Path(tempfile.gettempdir()) / f"vcc-{user}-{name}.lock"
    lock = filelock.FileLock(place, timeout=_LIMIT_S)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        _logger.info("%s: another process is writing there: waiting for its end", folder)
        try:
            lock.acquire(timeout=_LIMIT_S)
        except filelock.Timeout:
            msg = (
                f"{folder}: another process has been writing there for {_LIMIT_S // 3600} hours: "
                "end it, or choose another folder"
            )
            raise VccError(msg) from None
    try:
        yield
    finally:
        lock.release()
