"""What is too large for the repository is refused, before a commit and in CI."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / ".ci" / "file_sizes.py"


def check(folder: Path, *files: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, SCRIPT, *files],
        cwd=folder, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("name", "size", "allowed"),
    [
        ("wheel.whl", 500_001, False),
        ("source.py", 500_000, True),
        ("results/study/table.json", 600_000, True),
        ("results/study/wheel.whl", 600_000, False),
        ("docs/results/picture.png", 600_000, False),
    ],
)
def test_the_limit(tmp_path: Path, name: str, size: int, allowed: bool) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    code, said = check(tmp_path, name)
    assert (code == 0) == allowed
    assert allowed or name in said


def test_the_repository_holds_it() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    assert check(ROOT) == (0, "")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a large file staged, in a name that is no UTF-8 where the disk takes it."""
    git(tmp_path, "init", "-q")
    (tmp_path / "large file.bin").write_bytes(bytes(600_000))
    (tmp_path / "inner").mkdir()
    (tmp_path / "link").symlink_to("large file.bin")
    git(tmp_path, "add", "-A")
    return tmp_path


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, timeout=600)


def test_what_is_staged_counts_and_not_what_lies_there(repository: Path) -> None:
    (repository / "large file.bin").write_bytes(b"")
    for files in ((), ("large file.bin",)):
        code, said = check(repository, *files)
        assert code == 1
        assert said.splitlines() == ["large file.bin: 600 kB, at most 500 are taken"]


def test_a_folder_below_sees_all(repository: Path) -> None:
    assert check(repository / "inner")[0] == 1
    assert check(repository / "inner", "../large file.bin")[0] == 1
    assert check(repository, "link") == (0, "")
