"""A stretch of epochs: what the trainer is given, and how the network is left."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.train import epochs as module
from vcc.pipeline.train.epochs import train_epochs
from vcc.training.module import ClassifierModule
from vcc.training.progress import EpochReport


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `fit` is given; it reports one epoch's figures instead of training."""
    found: dict[str, Any] = {}

    @contextlib.contextmanager
    def precision(made: ClassifierModule, *_: Any, **words: Any) -> Iterator[str]:
        found["asked"] = words
        yield "32-true"

    def fit(made: ClassifierModule, data: Any, training: Any, **words: Any) -> None:
        found.update(words, module=made, data=data, training_mode=made.classifier.training)
        report = words["callbacks"][-1]
        assert isinstance(report, EpochReport)
        report.history[5] = {"train_loss": 1.0}
        report._record(5, {"train_loss": 1.0})

    monkeypatch.setattr(module, "training_precision", precision)
    monkeypatch.setattr(module, "fit", fit)
    return found


def test_epochs_are_absolute_and_figures_go_to_the_run(
    network: Network, dataset: PreparedDataset, run: Any, fitted: dict[str, Any]
) -> None:
    history = train_epochs(network, dataset, epochs=(5, 8), callbacks=[], run=run, span=9)
    assert history == {5: {"train_loss": 1.0}}
    assert run.metrics == {"train_loss": [1.0]}
    assert (fitted["n_epochs"], fitted["asked"]["epoch"]) == (3, 5)
    assert fitted["module"].span == 9
    # Loaded or scored networks come in evaluation mode, and are left in it.
    assert fitted["training_mode"]
    assert not network.model.training


def test_the_module_knows_the_training_videos(
    network: Network, dataset: PreparedDataset, run: Any, fitted: dict[str, Any]
) -> None:
    train_epochs(network, dataset, epochs=(0, 1), callbacks=[], run=run, adjust_loss="adjust")  # type: ignore[arg-type]
    videos = fitted["module"].videos
    assert videos.names == tuple(str(each.id) for each in dataset.videos("train"))
    assert videos.labels == tuple(each.label for each in dataset.videos("train"))
    assert (videos.n_classes, videos.seed) == (2, network.card.clip.manual_seed)
    assert fitted["module"].adjust_loss == "adjust"
    assert fitted["module"].span is None


def test_the_callback_that_resumes_is_told_to_the_choice_of_precision(
    network: Network, dataset: PreparedDataset, run: Any, fitted: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    class Keeper(SimpleNamespace):
        pass

    monkeypatch.setattr(module, "ResumeCheckpoint", Keeper)
    keeper, other = Keeper(), object()
    train_epochs(network, dataset, epochs=(0, 1), callbacks=[other, keeper], run=run)  # type: ignore[list-item]
    assert fitted["asked"]["resume_callback"] is keeper
    assert fitted["callbacks"][:2] == [other, keeper]
    train_epochs(network, dataset, epochs=(0, 1), callbacks=[], run=run)
    assert fitted["asked"]["resume_callback"] is None
