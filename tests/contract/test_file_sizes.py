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
