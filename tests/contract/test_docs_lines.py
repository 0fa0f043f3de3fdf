"""Lines of the documentation fit in an editor beside the code: at most 100 columns.

Tables cannot be broken, nor can a line that is a single link or address.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 100
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_UNBREAKABLE = re.compile(r"\s*(\||([-*] |\d+\. )?!?\[[^\]]*\]\([^)]*\)\S*$|https?://\S+$)")


def too_long(text: str) -> list[str]:
    """Return the lines that could be broken and are longer than they may be."""
    return [
        line for line in text.splitlines() if len(line) > LONGEST and not _UNBREAKABLE.match(line)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_line_is_too_long(page: Path) -> None:
    assert too_long(page.read_text("utf-8")) == []


def test_what_cannot_be_broken_is_passed_over_and_the_rest_is_not() -> None:
    long = "x" * LONGEST
    passed = [f"| {long} |", f"[{long}](page.md)", f"- ![{long}](picture.png).", f"https://{long}"]
    caught = [f"{long} y", f"[a](b.md) {long}", f"    {long}"]
    assert too_long("\n".join(passed + caught)) == caught
