"""The registry of three versions in use, and what is read of it."""

from __future__ import annotations

from collections.abc import Iterator

import mlflow
import pytest
from compared_registry import ComparedRegistry

from vcc.pipeline.compare.versions import ComparedVersion, find_compared


@pytest.fixture
def registry(made_compared: ComparedRegistry) -> Iterator[ComparedRegistry]:
    """The registry, in use."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(made_compared.uri)
    yield made_compared
    mlflow.set_tracking_uri(before)


@pytest.fixture(scope="session")
def read(made_compared: ComparedRegistry) -> tuple[ComparedVersion, ...]:
    """Its versions, as they were read."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(made_compared.uri)
    found = tuple(find_compared(name=None, experiment=None))
    mlflow.set_tracking_uri(before)
    return found
