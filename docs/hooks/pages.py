"""Hooks of MkDocs: pages made from the code, the files beside docs/, and the links to them.

The guides are read in the repository as often as on the site, so they link to `../README.md` or
`../vcc/...` as files. On the site such a link leads to a page or to a copy of the file; a link to a
file that does not exist stays as it is, and the strict build fails on it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from tables import dialect_page, options_page  # noqa: E402

# Guides that stand at the top of the repository.
BESIDE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
TABLES = {"reference/options.md": options_page, "reference/dialect.md": dialect_page}
_LINK = re.compile(r"\]\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Add the generated pages to the navigation."""
    beside = [{name.removesuffix(".md").capitalize(): page_of(name)} for name in BESIDE]
    reference: list[Any] = list(TABLES)
    if config.extra["api"]:
        reference += by_package([{name: f"reference/{name}.md"} for name in modules()])
    config.nav = [*config.nav, {"Project": beside}, {"Reference": reference}]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages, and the files of the repository that pages link to."""
    for page, make in TABLES.items():
        files.append(File.generated(config, page, content=make()))
    if config.extra["api"]:
        for name in modules():
            text = f"# {name}\n\n::: {name}\n"
            files.append(File.generated(config, f"reference/{name}.md", content=text))
    for name in BESIDE:
        files.append(File.generated(config, page_of(name), content=(ROOT / name).read_text()))
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / name for name in BESIDE)]
    for source in sorted({file for page in pages for file in linked_sources(page)}):
        path = source.relative_to(ROOT)
        files.append(File.generated(config, f"files/{path}", content=source.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links to files of the repository into links on the site."""
    uri = page.file.src_uri
    if uri.startswith("reference/"):
        return markdown
    beside = {page_of(name): ROOT / name for name in BESIDE}
    source = beside.get(uri, ROOT / "docs" / uri)
    return _LINK.sub(lambda match: _on_site(match, source), markdown)


def modules() -> list[str]:
    """Return the dotted names of all modules, packages before what they hold."""
    names = []
    for package in ("vcc", "entrypoints"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return sorted(names)


def by_package(reference: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Group the pages of modules by package: `entrypoints`, `vcc.compression`, ..."""
    groups: dict[str, list[dict[str, str]]] = {}
    for entry in reference:
        (name,) = entry
        depth = 1 if name.startswith("entrypoints") else 2
        groups.setdefault(".".join(name.split(".")[:depth]), []).append(entry)
    return [{name: entries} if len(entries) > 1 else entries[0] for name, entries in groups.items()]


def page_of(name: str) -> str:
    """Return the page of the site for a Markdown file at the top of the repository."""
    return f"project/{name.lower()}"


def linked_sources(page: Path) -> set[Path]:
    """Return the files outside docs/, pages aside, that a page links to."""
    targets = (_in_repository(match, page) for match in _LINK.finditer(page.read_text("utf-8")))
    return {
        target
        for target in targets
        if target and target.is_file() and target.suffix != ".md" and not _in_docs(target)
    }


def _in_repository(match: re.Match[str], page: Path) -> Path | None:
    if "://" in match["target"]:
        return None
    target = (page.parent / match["target"]).resolve()
    return target if target.is_relative_to(ROOT) and target.exists() else None


def _in_docs(target: Path) -> bool:
    return target.is_relative_to(ROOT / "docs")


def _on_site(match: re.Match[str], page: Path) -> str:
    target = _in_repository(match, page)
    if target is None:
        return match[0]
    if target.parent == ROOT and target.name in BESIDE:
        there = page_of(target.name)
    elif _in_docs(target):
        there = str(target.relative_to(ROOT / "docs"))
    else:
        there = f"files/{target.relative_to(ROOT)}"
    up = "../" if page.parent == ROOT else ""
    return f"]({up}{there}{match['anchor'] or ''})"
