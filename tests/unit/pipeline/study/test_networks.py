"""A cell's network is made once: found again by its settings, made anew where they changed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.config.yaml_files.study_matrix import DENSE, Cell, StudyMatrix
from vcc.config.yaml_files.study_reader import read_matrix
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.study import networks as module
from vcc.pipeline.study.networks import network_of_cell, training_seconds
from vcc.pipeline.study.place import StudyPlace

MATRIX = """
name: mine
data: {dataset: d}
seeds: [3]
models: {a: {network: {model: resnet, model_depth: 18}, training: {learning_rate: 0.4}}}
methods:
  pruned: {schedule: SCHEDULE, n_epochs: 2}
"""
DENSE_CELL, PRUNED = Cell("s3", "a", DENSE), Cell("s3", "a", "pruned")


class World(SimpleNamespace):
    """What is trained and compressed, and by which settings."""


@pytest.fixture
def matrix(tmp_path: Path) -> StudyMatrix:
    (tmp_path / "schedule.yaml").write_text(
        "pruners: {p: {class: SensitivityPruner, sensitivities: {'*': 0.9}}}\n"
        "policies: [{pruner: {instance_name: p}, epochs: [0]}]\n"
    )
    path = tmp_path / "matrix.yaml"
    path.write_text(MATRIX.replace("SCHEDULE", str(tmp_path / "schedule.yaml")))
    return read_matrix(path)


@pytest.fixture
def world(
    matrix: StudyMatrix, dataset: PreparedDataset, network: Network, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> World:  # fmt: skip
    made = World(trained=[], compressed=[], digests={})
    made.place = StudyPlace(
        matrix=matrix,
        dataset_of=lambda cell: dataset,
        checkpoints=tmp_path / "networks",
        n_threads=2,
        no_cuda=True,
    )

    def train(recipe: Any, *_: Any, **__: Any) -> Network:
        made.trained.append(recipe)
        return network

    def compress(source: Network, data: Any, recipe: Any, *, run: Any) -> Any:
        made.compressed.append((source, recipe))
        return SimpleNamespace(network=source)

    monkeypatch.setattr(module.TrainRecipe, "train", train)
    monkeypatch.setattr(module, "compress", compress)
    monkeypatch.setattr(
        module, "digests_of", lambda place, cell: made.digests.get(cell.key, [f"of {cell.key}"[3:]])
    )
    return made


def test_a_dense_network_is_trained_by_its_recipe_and_seed(world: World, run: Any) -> None:
    network_of_cell(DENSE_CELL, world.place, run)
    (recipe,) = world.trained
    assert (recipe.clip.manual_seed, recipe.clip.n_threads) == (3, 2)
    assert recipe.training.no_cuda
    assert recipe.training.learning_rate == 0.4
    assert training_seconds(DENSE_CELL, world.place) >= 0


def test_what_was_made_by_the_same_settings_is_loaded(world: World, run: Any) -> None:
    network_of_cell(DENSE_CELL, world.place, run)
    again = network_of_cell(DENSE_CELL, world.place, run)
    assert len(world.trained) == 1
    assert again.card.arch == "resnet10a" or again.card.arch
    # A new option with its default has another digest; older ones still count.
    world.digests[DENSE_CELL.key] = ["newer", DENSE_CELL.key]
    network_of_cell(DENSE_CELL, world.place, run)
    assert len(world.trained) == 1
    world.digests[DENSE_CELL.key] = ["another"]
    network_of_cell(DENSE_CELL, world.place, run)
    assert len(world.trained) == 2


def test_a_compressed_one_is_made_from_the_dense_one_of_its_repeat(world: World, run: Any) -> None:
    network_of_cell(PRUNED, world.place, run)
    assert len(world.trained) == 1
    ((source, recipe),) = world.compressed
    assert source.card.role == "dense"
    assert recipe.n_epochs == 2
    # A quarter of the dense training's.
    rate = world.trained[0].training.learning_rate
    dense_rate = source.card.training.learning_rate
    assert recipe.training.learning_rate == pytest.approx(dense_rate / 4)
    assert rate == 0.4
    assert (world.place.checkpoints / PRUNED.key).is_dir()
    network_of_cell(PRUNED, world.place, run)
    assert len(world.compressed) == 1


def test_one_that_was_broken_off_is_made_again(
    world: World, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    network_of_cell(DENSE_CELL, world.place, run)
    world.digests[DENSE_CELL.key] = ["another"]
    saved = module.save_checkpoint

    def fail(*_: Any) -> None:
        raise OSError

    monkeypatch.setattr(module, "save_checkpoint", fail)
    with pytest.raises(OSError):  # noqa: PT011 - as a full disk
        network_of_cell(DENSE_CELL, world.place, run)
    monkeypatch.setattr(module, "save_checkpoint", saved)
    world.digests.clear()
    # The old network is there, but nobody says any more by which settings.
    network_of_cell(DENSE_CELL, world.place, run)
    assert len(world.trained) == 3


def test_two_studies_at_once_train_a_network_once(
    world: World, network: Network, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(recipe: Any, *_: Any, **__: Any) -> Network:
        world.trained.append(recipe)
        # Long enough for the other to look for the network meanwhile.
        time.sleep(0.2)
        return network

    monkeypatch.setattr(module.TrainRecipe, "train", train)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: network_of_cell(DENSE_CELL, world.place, run), range(2)))
    assert len(world.trained) == 1
