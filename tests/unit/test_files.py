"""Files are whole under their names, whatever happens to the process that writes them."""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path

import pytest
from commands import run_command

from vcc.files import replacing, write_whole

ROOT = Path(__file__).resolve().parents[2]
_DIE = """
import os, signal, sys
from pathlib import Path
from vcc.files import replacing
with replacing(Path(sys.argv[1])) as partial:
    partial.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    write_whole(path, "one")
    write_whole(path, "two ä")
    assert path.read_text("utf-8") == "two ä"
    assert [each.name for each in path.parent.iterdir()] == ["file.txt"]


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_whole(path, "old")

    def fail() -> None:
        with replacing(path) as partial:
            partial.write_text("new")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left") as caught:
        fail()
    assert caught.value.filename == str(path)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("file.txt", "old")]


def test_a_killed_process_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_whole(path, "old")
    done = run_command(
        [sys.executable, "-c", _DIE, str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert path.read_text() == "old"
    (left,) = tmp_path.glob(".partial-*")
    write_whole(path, "new")
    # Another process may be writing it at the moment; a day later nobody is.
    assert left.exists()
    os.utime(left, (0, 0))
    write_whole(path, "newer")
    assert [each.name for each in tmp_path.iterdir()] == ["file.txt"]


def test_two_that_write_one_file_at_once_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    with replacing(path) as one, replacing(path) as other:
        one.write_text("one, and longer")
        other.write_text("other")
    assert path.read_text() == "one, and longer"
    assert [each.name for each in tmp_path.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("name", ["a" * 251 + ".csv", "a." + "b" * 253])
def test_a_name_as_long_as_file_systems_allow(tmp_path: Path, name: str) -> None:
    write_whole(tmp_path / name, "text")
    assert [each.name for each in tmp_path.iterdir()] == [name]
