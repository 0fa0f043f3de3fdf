"""What is left to look at after a training: figures, tables, and pictures of the dev videos."""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path
from typing import Any

import pytest
import torch

from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.accuracy import VideoScores
from vcc.models.summary import count_parameters
from vcc.pipeline.card import Network
from vcc.pipeline.train import artifacts as module
from vcc.pipeline.train.artifacts import log_result, log_training
from vcc.training.best import BestWeights

HISTORY = {
    epoch: {"train_loss": 2.0 - epoch, "dev_loss": 2.0, "dev_video_top1": 0.5, "learning_rate": 0.1}
    for epoch in range(2)
}


@pytest.fixture
def dev(dataset: PreparedDataset) -> PreparedDataset:
    """The data with all their videos as dev videos."""
    videos = tuple(dataclasses.replace(each, subset="dev") for each in dataset.manifest.videos)
    return PreparedDataset(dataset.root, dataclasses.replace(dataset.manifest, videos=videos))


def scores_of(dev: PreparedDataset) -> VideoScores:
    """Return scores that are right but for the first video."""
    labels = torch.tensor([each.label for each in dev.videos("dev")])
    scores = torch.eye(2)[labels] * 0.6 + 0.2
    scores[0] = scores[0].flip(0)
    return VideoScores(scores=scores, labels=labels, clips=len(labels), clip_top1=0.5, loss=1.0)


def empty(_: Any, path: Path) -> Path:
    """Stand for `save_figure`, which takes most of the time."""
    path.touch()
    return path


@pytest.mark.parametrize("history", [HISTORY, {}])
def test_tables_and_pictures_are_of_the_dev_videos(
    dev: PreparedDataset, run: Any, history: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not history:
        monkeypatch.setattr(module, "save_figure", empty)
    log_training(run, dev, history=history, best_epoch=1, scores=scores_of(dev))
    names = {file.removeprefix("training/") for file in run.files}
    dev_files = {"dev_confusion.png", "dev_per_class.png", "dev_worst.png", "dev_predictions.csv",
                 "dev_confusion.csv", "dev_per_class.csv"}  # fmt: skip
    # Weights that were taken as they are have no history.
    assert names == dev_files | ({"history.json", "curves.png"} if history else set())
    rows = list(csv.DictReader(io.StringIO(run.texts["dev_predictions.csv"])))
    assert [row["video"] for row in rows] == [str(each.id) for each in dev.videos("dev")]


def test_a_network_is_logged_and_scored_by_its_own_protocol(
    dev: PreparedDataset, network: Network, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[str, Any] = {}
    best = BestWeights()
    best.best_epoch = 1
    run.settle = lambda: found.update(settled=True)
    monkeypatch.setattr(module, "log_training", lambda *words, **more: found.update(more))
    log_result(network, dev, run, history=HISTORY, callbacks=[best])
    assert found["settled"]
    assert run.metrics["params"] == [count_parameters(network.model)]
    assert run.texts["layers.csv"].count("\n") > 5
    assert found["best_epoch"] == 1
    assert len(found["scores"].labels) == len(dev.videos("dev"))
    assert found["history"] == HISTORY


def test_without_validation_nothing_is_scored(
    dev: PreparedDataset, network: Network, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.settle = lambda: None
    monkeypatch.setattr(module, "score_subset", lambda *_, **__: pytest.fail("it was scored"))
    training = dataclasses.replace(network.card.training, no_val=True)
    made = Network(model=network.model, card=dataclasses.replace(network.card, training=training))
    log_result(made, dev, run, history={}, callbacks=[])
    assert "params" in run.metrics
    assert not run.files
