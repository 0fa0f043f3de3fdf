"""The documentation builds as a site, offline, with no link that leads nowhere."""

from __future__ import annotations

import logging
import os
import re
import sys
from pathlib import Path

import griffe
import pytest
import yaml
from commands import run_command

ROOT = Path(__file__).resolve().parents[2]


def build(site: Path, *, api: bool) -> str:
    """Build the site as `make docs` does and return what was printed."""
    done = run_command(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)],
        cwd=ROOT,
        env={**os.environ, "DOCS_API": str(api).lower()},
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def test_every_guide_is_in_the_navigation() -> None:
    # MkDocs has tags of its own (`!ENV`), which matter nowhere in the navigation.
    text = re.sub(r"!ENV ", "", (ROOT / "mkdocs.yml").read_text())
    pages = re.findall(r"\w+\.md", str(yaml.safe_load(text)["nav"]))
    assert sorted(pages) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def test_the_guides_build_strictly_and_read_offline(tmp_path: Path) -> None:
    build(tmp_path, api=False)
    for page in tmp_path.rglob("*.html"):
        # What a page loads, unlike what it links to.
        loaded = re.findall(r'<(?:script|link|img)[^>]* (?:src|href)="([^"]+)"', page.read_text())
        assert not [target for target in loaded if "//" in target], page
    readme = (tmp_path / "project" / "readme.html").read_text()
    assert 'href="../data.html"' in readme
    assert "zero padding (A)" in (tmp_path / "reference" / "options.html").read_text()
    assert "low_thresh_mult" in (tmp_path / "reference" / "dialect.html").read_text()


def test_docstrings_name_the_arguments_that_there_are(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="griffe"):
        for package in ("vcc", "entrypoints"):
            module = griffe.load(package, search_paths=[str(ROOT)], docstring_parser="google")
            parse(module)
    assert not caplog.messages


def parse(node: griffe.Object | griffe.Alias) -> None:
    """Parse the docstrings of an object and of what it holds; what is wrong is logged."""
    for member in node.members.values():
        if not member.is_alias:
            _ = member.docstring and member.docstring.parsed
            parse(member)


@pytest.mark.slow
def test_the_whole_site_builds_strictly(tmp_path: Path) -> None:
    build(tmp_path, api=True)
    page = (tmp_path / "reference" / "vcc.compression.pruners.elementwise.html").read_text()
    assert "dynamic network surgery" in page
