"""A registry that fits together, each test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from registry_toys import ToyRegistry, copy_registry, make_registry


@pytest.fixture(scope="session")
def whole_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a registry that no test changes."""
    folder = tmp_path_factory.mktemp("registry")
    before = mlflow.get_tracking_uri()
    make_registry(folder)
    mlflow.set_tracking_uri(before)
    return folder


@pytest.fixture
def toy(whole_registry: Path, tmp_path: Path) -> Iterator[ToyRegistry]:
    """A copy of it."""
    before = mlflow.get_tracking_uri()
    yield copy_registry(whole_registry, tmp_path)
    mlflow.set_tracking_uri(before)
