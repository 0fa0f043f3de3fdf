"""A registry of a few bytes, made once and copied for each test, and the tracking address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from databases import new_database
from registry_toys import ToyRegistry, copy_registry, make_registry


@pytest.fixture(scope="session")
def made_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `make_registry`."""
    before = mlflow.get_tracking_uri()
    folder = tmp_path_factory.mktemp("registry")
    make_registry(folder)
    mlflow.set_tracking_uri(before)
    return folder


@pytest.fixture
def toy(made_registry: Path, tmp_path: Path) -> Iterator[ToyRegistry]:
    """A copy of it that the test may change."""
    before = mlflow.get_tracking_uri()
    yield copy_registry(made_registry, tmp_path)
    mlflow.set_tracking_uri(before)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[mlflow.MlflowClient]:
    """An empty tracking store in the test's folder."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(new_database(tmp_path))
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri(before)
