"""A package from outside the repository that registers a part, as pip would install it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from vcc.registry import Registry


def write_package(folder: Path, group: str, source: str, *, name: str = "stranger") -> None:
    """Write a module and the metadata that name it as an entry point of a group.

    Args:
        folder: goes on `sys.path`, or into PYTHONPATH of another process.
        group: such as `vcc.networks`.
        source: the module's text.
        name: of the module and of the package.
    """
    (folder / f"{name}.py").write_text(source)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {name}\n")


def install_package(
    folder: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry[Any], source: str
) -> None:
    """Put a package on the path whose parts `registry` knows until the test ends."""
    known = dict(registry.items())
    monkeypatch.setattr(registry, "_parts", known)
    monkeypatch.setattr(registry, "_is_loaded", False)
    write_package(folder, registry.group, source)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "stranger", raising=False)
