"""The shell commands of README.md, as a reader would copy them, in order."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>not run|long): (?P<reason>.+?) -->\n)?^```sh\n(?P<script>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block of shell commands.

    Attributes:
        script: its commands.
        mark: "not run", "long" (run by `make test-all` alone) or "".
        reason: why it is marked.
    """

    script: str
    mark: str
    reason: str


def blocks_of(text: str) -> list[Block]:
    """Return the fenced shell blocks of a Markdown page with their marks, in order."""
    return [
        Block(script=m["script"], mark=m["mark"] or "", reason=m["reason"] or "")
        for m in _BLOCK.finditer(text)
    ]


def readme_blocks() -> list[Block]:
    """Return the shell blocks of README.md, in order."""
    return blocks_of((ROOT / "README.md").read_text("utf-8"))


def copy_of_project(folder: Path) -> Path:
    """Copy what a clone of the working tree would hold, and return the copy."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    copy = folder / "vcc"
    for name in filter(None, listed.stdout.split("\0")):
        source, target = ROOT / name, copy / name
        if source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target, follow_symlinks=False)
    return copy
