"""A prepared data set of a second, an untrained network for it, and a run that only remembers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
import pytest
from compared_registry import ComparedRegistry, make_compared
from prepared_networks import network_for

from vcc.config.data import PrepareOptions
from vcc.data.prepare.run import prepare
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network


class RememberedRun:
    """Takes what a run takes, and keeps it to be looked at."""

    run_id = "remembered"

    def __init__(self) -> None:
        self.metrics: dict[str, list[float]] = {}
        self.texts: dict[str, str] = {}
        self.dicts: dict[str, Any] = {}
        self.files: list[str] = []
        self.tags: dict[str, str] = {}
        self.params: dict[str, Any] = {}

    def log_params(self, params: Mapping[str, Any]) -> None:
        self.params |= params

    def log_resolved(self, values: Mapping[str, Any]) -> None:
        self.params |= {f"resolved.{name}": value for name, value in values.items()}

    def log_metrics(
        self, metrics: Mapping[str, float], *, step: int | None = None, model_id: str | None = None
    ) -> None:
        for name, value in metrics.items():
            self.metrics.setdefault(name, []).append(value)

    def log_text(self, text: str, name: str) -> None:
        self.texts[name] = text

    def log_dict(self, content: Mapping[str, Any], name: str) -> None:
        self.dicts[name] = dict(content)

    def log_file(self, path: Path, folder: str | None = None) -> None:
        found = sorted(path.iterdir()) if path.is_dir() else [path]
        self.files += [f"{folder}/{each.name}" if folder else each.name for each in found]
        self.texts |= {each.name: each.read_text() for each in found if each.suffix == ".csv"}

    def log_dataset(self, **_values: Any) -> None:
        self.tags["dataset"] = "seen"

    def set_tags(self, tags: Mapping[str, str]) -> None:
        self.tags |= tags

    def describe(self, text: str) -> None:
        self.tags["description"] = text


@pytest.fixture
def run() -> Any:
    return RememberedRun()


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    root = tmp_path_factory.mktemp("prepared")
    options = PrepareOptions(
        root_path=root,
        motion_classes=2,
        motion_clips=1,
        motion_frames=8,
        motion_width=32,
        motion_height=32,
        short_side=20,
        n_jobs=1,
    )
    return PreparedDataset.open(prepare(options).root)


@pytest.fixture
def network(dataset: PreparedDataset) -> Network:
    return network_for(dataset)


@pytest.fixture(scope="session")
def made_compared(tmp_path_factory: pytest.TempPathFactory) -> ComparedRegistry:
    """A registry of three versions that are compared; making it takes seconds."""
    before = mlflow.get_tracking_uri()
    found = make_compared(tmp_path_factory.mktemp("compared"))
    mlflow.set_tracking_uri(before)
    return found
