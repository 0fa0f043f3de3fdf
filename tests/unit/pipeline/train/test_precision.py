"""A precision is chosen once, said, kept beside the checkpoint, and taken again when resumed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from torch import nn

from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError, TrainingError
from vcc.pipeline.card import Network, NetworkCard
from vcc.pipeline.train import precision as module
from vcc.pipeline.train.precision import CHOICE_FILE, training_precision
from vcc.training.precision.choice import Choice


def card_of(network: Network, **training: Any) -> NetworkCard:
    options = dataclasses.replace(network.card.training, no_cuda=True, **training)
    return dataclasses.replace(network.card, training=options)


def made() -> Any:
    return SimpleNamespace(classifier=nn.Linear(1, 1), loss=nn.CrossEntropyLoss())


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes of batches that were measured on; what is chosen is bfloat16."""
    found: list[tuple[int, ...]] = []
    text = json.dumps(
        {"chosen": {"number": "bf16", "channels_last": False, "in_fp32": ["classifier.fc"]}}
    )

    def choose(classifier: Any, clips: Any, labels: Any, **words: Any) -> Choice:
        found.append((*clips.shape, words["epoch_steps"]))
        return Choice.from_text(text, where=Path("chosen"))

    @contextlib.contextmanager
    def applied(plan: Any, classifier: Any) -> Iterator[None]:
        yield

    monkeypatch.setattr(module, "choose_plan", choose)
    monkeypatch.setattr(type(Choice.plain().plan), "applied", applied)
    return found


def take(
    card: NetworkCard, dataset: PreparedDataset, run: Any, *, resume_callback: Any = None
) -> Any:
    with training_precision(
        made(), dataset, card, epoch=0, run=run, resume_callback=resume_callback
    ) as precision:
        return precision


def test_float32_is_not_measured(
    network: Network, dataset: PreparedDataset, run: Any, chosen: list[Any]
) -> None:
    precision = take(card_of(network, train_precision="fp32"), dataset, run)
    assert precision == Choice.plain().plan.variant.trainer_precision
    assert not chosen
    assert "precision" in run.tags
    assert CHOICE_FILE not in run.dicts


def test_auto_measures_on_the_first_batch_and_says_what_it_took(
    network: Network, dataset: PreparedDataset, run: Any, chosen: list[Any],
    tmp_path: Path, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    keeper = SimpleNamespace(resume_from=None, path=tmp_path / "last.ckpt")
    with caplog.at_level(logging.INFO):
        take(card_of(network, train_precision="auto"), dataset, run, resume_callback=keeper)
    ((n, *shape, steps),) = chosen
    assert tuple(shape) == network.card.clip_shape
    size, videos = network.card.clip.batch_size, len(dataset.videos("train"))
    assert (n, steps) == (min(videos, size), math.ceil(videos / size))
    assert "bf16" in run.tags["precision"]
    assert run.dicts[CHOICE_FILE]["chosen"]["number"] == "bf16"
    assert json.loads((tmp_path / CHOICE_FILE).read_text()) == run.dicts[CHOICE_FILE]
    assert "precision: " in caplog.text


def test_a_resumed_training_computes_as_it_did(
    network: Network, dataset: PreparedDataset, run: Any, chosen: list[Any], tmp_path: Path
) -> None:
    keeper = SimpleNamespace(resume_from=None, path=tmp_path / "last.ckpt")
    card = card_of(network, train_precision="auto")
    first = take(card, dataset, run, resume_callback=keeper)
    (tmp_path / "new").mkdir()
    again = SimpleNamespace(resume_from=tmp_path / "last.ckpt", path=tmp_path / "new" / "last.ckpt")
    assert take(card, dataset, run, resume_callback=again) == first
    assert len(chosen) == 1
    assert (tmp_path / "new" / CHOICE_FILE).is_file()
    (tmp_path / CHOICE_FILE).write_text("no choice")
    with pytest.raises(TrainingError, match=f"{CHOICE_FILE}: is not a choice of precision"):
        take(card, dataset, run, resume_callback=again)


def test_several_processes_cannot_measure(
    network: Network, dataset: PreparedDataset, run: Any, chosen: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(module, "process_grid", lambda training: (2, 1))
    with pytest.raises(ConfigError, match="train_precision: auto measures in one process"):
        take(card_of(network, train_precision="auto"), dataset, run)


def test_a_network_is_compiled_where_asked(
    network: Network, dataset: PreparedDataset, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[str] = []
    monkeypatch.setattr(
        module, "compile_network", lambda classifier, device: compiled.append(device.type)
    )
    take(card_of(network, train_precision="fp32"), dataset, run)
    assert not compiled
    take(card_of(network, train_precision="fp32", compile=True), dataset, run)
    assert compiled == ["cpu"]
