"""A package of networks on the path, trusted or not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from foreign import PACKAGE, forget_foreign, install_foreign

from vcc.config.networks.trust import VARIABLE


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of an installed package that nobody trusts."""
    monkeypatch.delenv(VARIABLE, raising=False)
    yield install_foreign(tmp_path / "site", monkeypatch)
    forget_foreign(monkeypatch)


@pytest.fixture
def trusted(package: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, trusted."""
    monkeypatch.setenv(VARIABLE, PACKAGE)
    return package
