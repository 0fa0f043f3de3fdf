"""The recipe of a dense training, as the options of `train` spell it."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.config.data import ClipOptions
from vcc.config.entrypoints import TrainEntry
from vcc.config.model import ModelOptions
from vcc.config.training import FinetuneOptions, TrainingOptions
from vcc.pipeline.train import recipe as module
from vcc.pipeline.train.recipe import TrainRecipe, train_from_entry, train_silently
from vcc.tracking.silent import SilentRun

ENTRY = TrainEntry(
    model="csn", model_depth=26, sample_size=40, learning_rate=0.5, n_finetune_classes=3
)


def test_options_go_where_they_belong() -> None:
    recipe = TrainRecipe.from_entry(ENTRY)
    assert [type(part) for part in vars(recipe).values()] == [
        ModelOptions,
        ClipOptions,
        TrainingOptions,
        FinetuneOptions,
    ]
    assert (recipe.network.model, recipe.clip.sample_size) == ("csn", 40)
    assert recipe.training.learning_rate == 0.5
    assert recipe.finetune is not None
    assert recipe.finetune.n_finetune_classes == 3


def test_a_training_from_options_keeps_checkpoints_of_its_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(module, "plan_checkpoints", lambda _, *, results, run_id: (results, run_id))
    monkeypatch.setattr(module, "train_step", lambda dataset, **given: seen.update(given) or "made")
    run: Any = SimpleNamespace(run_id="r")
    dataset: Any = object()
    made: Any = train_from_entry(ENTRY, dataset, run=run)
    assert made == "made"
    assert seen["checkpoints"] == (Path("results"), "r")
    assert seen["run"] is run
    assert seen["model"].model == "csn"


def test_a_recipe_by_itself_keeps_none(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(module, "train_step", lambda dataset, **given: seen.update(given))
    run: Any = object()
    dataset: Any = object()
    TrainRecipe.from_entry(ENTRY).train(dataset, run=run)
    assert seen["checkpoints"] is None


def test_a_process_behind_the_first_trains_and_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs: list[Any] = []
    monkeypatch.setattr(module, "train_from_entry", lambda *_, run: runs.append(run))
    logger = logging.getLogger("vcc")
    before = logger.level
    dataset: Any = object()
    try:
        train_silently(ENTRY, dataset)
        assert logger.level == logging.WARNING
    finally:
        logger.setLevel(before)
    assert [type(run) for run in runs] == [SilentRun]
