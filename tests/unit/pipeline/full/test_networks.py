"""The pipeline's two networks: each trained in a run of its own, the dense one left as it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from vcc.config.entrypoints import PipelineEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.full import networks as module
from vcc.pipeline.full.networks import compress_dense, train_dense

SCHEDULE = Path(__file__).resolve().parents[4] / "schedules" / "resnet_filters_agp_thin.yaml"


@pytest.fixture
def children(run: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """The runs that are opened, by name and options."""
    found: list[tuple[str, Any]] = []

    @contextlib.contextmanager
    def child_run(name: str, options: Any) -> Iterator[Any]:
        found.append((name, options))
        yield run

    monkeypatch.setattr(module, "child_run", child_run)
    return found


def test_the_dense_network_is_trained_by_the_pipeline_s_options(
    children: list[tuple[str, Any]], network: Network, dataset: PreparedDataset, run: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    recipes: list[Any] = []

    def train(recipe: Any, *_: Any, **__: Any) -> Network:
        recipes.append(recipe)
        return network

    version: Any = SimpleNamespace(uri="models:/net/1")
    monkeypatch.setattr(module.TrainRecipe, "train", train)
    monkeypatch.setattr(module, "register_trained", lambda made, run: version)
    options = PipelineEntry(n_epochs=3, sample_duration=4)
    assert train_dense(options, dataset) == (network, version)
    (recipe,) = recipes
    assert (recipe.training.n_epochs, recipe.clip.sample_duration) == (3, 4)
    assert recipe.network == options.network()
    assert children == [("train", options.dense())]
    assert children[0][1].width_mult == 0.75
    assert run.tags["dataset"] == "seen"


def test_a_copy_is_compressed_from_the_baseline(
    children: list[tuple[str, Any]], network: Network, dataset: PreparedDataset, run: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    given: dict[str, Any] = {}

    def compress(source: Network, data: Any, recipe: Any, *, run: Any) -> Any:
        given.update(source=source, recipe=recipe)
        with torch.no_grad():
            next(source.model.parameters()).zero_()
        return SimpleNamespace(network=source, register=lambda run: "v2")

    monkeypatch.setattr(module, "compress", compress)
    baseline: Any = SimpleNamespace(uri="models:/net/1")
    options = PipelineEntry(
        schedule=SCHEDULE, compress_n_epochs=2, compress_learning_rate=0.5,
        compress_sample_duration=2,
    )  # fmt: skip
    made, version = compress_dense(options, dataset, network, baseline)
    assert version == "v2"
    assert made.model is not network.model
    assert float(next(network.model.parameters()).detach().abs().sum()) > 0
    recipe = given["recipe"]
    assert recipe.parent == "models:/net/1"
    assert recipe.training.learning_rate == 0.5
    assert recipe.clip_override.chosen()
    assert children[0][0] == "compress"
