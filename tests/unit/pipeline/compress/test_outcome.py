"""What became of a network: ratios, tables, pictures, and the card with its lineage."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from vcc.models.summary import count_macs, count_parameters
from vcc.pipeline.card import Network
from vcc.pipeline.compress import outcome as module
from vcc.pipeline.compress.outcome import DenseRecord, log_outcome
from vcc.pipeline.compress.report import LAYERS_FILE


@pytest.fixture
def recipe(tmp_path: Path) -> Any:
    (tmp_path / "own.yaml").write_text("version: 1\n")
    return SimpleNamespace(method="pruning", schedule=tmp_path / "own.yaml")


def masked(network: Network) -> Network:
    """Return a copy whose convolutions have lost half of their weights."""
    model = copy.deepcopy(network.model)
    with torch.no_grad():
        for module_ in model.modules():
            if isinstance(module_, nn.Conv3d):
                module_.weight[::2] = 0
    return Network(model=model, card=network.card.compressed(
        method="pruning", parent="models:/net/1", training=network.card.training
    ))  # fmt: skip


def outcome(
    network: Network, made: Network, recipe: Any, run: Any, monkeypatch: pytest.MonkeyPatch,
    *, teacher: str | None = None,
) -> Network:  # fmt: skip
    monkeypatch.setattr(module, "log_guards", lambda scheduler, run: None)
    dense = DenseRecord.of(network)
    return log_outcome(dense, made, SimpleNamespace(), recipe, teacher=teacher, n_epochs=2, run=run)  # type: ignore[arg-type]


def test_the_record_of_the_dense_network_is_taken_before(network: Network) -> None:
    record = DenseRecord.of(network)
    assert record.figures["params"] == count_parameters(network.model)
    assert record.figures["macs"] == count_macs(network.model)
    assert record.clip == network.card.protocol
    assert {row.zeros for row in record.weights} == {0}
    assert record.layers


def test_figures_tables_pictures_and_tags(
    network: Network, recipe: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = outcome(network, masked(network), recipe, run, monkeypatch)
    assert run.metrics["macs_ratio"] == [1.0]
    assert 0.4 < run.metrics["sparsity"][0] < 0.6
    assert run.texts[LAYERS_FILE].count("\n") > 5
    assert run.files == ["layers/sparsity.png", "layers/weights.png"]
    assert run.tags["method"] == "pruning"
    assert made.card.lineage[0] == "models:/net/1"
    assert any("mask" in stage for stage in made.card.lineage)
    assert made.card.schedule == "own.yaml"
    assert made.card.teacher is None


def test_a_teacher_and_other_clips_are_part_of_what_was_done(
    network: Network, recipe: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = dataclasses.replace(
        network.card, clip=dataclasses.replace(network.card.clip, sample_duration=2)
    )
    monkeypatch.setattr(module, "log_layer_pictures", lambda *_: None)
    other = Network(model=copy.deepcopy(network.model), card=card)
    made = outcome(network, other, recipe, run, monkeypatch, teacher="models:/teacher/1")
    assert made.card.teacher == "models:/teacher/1"
    said = " ".join(made.card.lineage)
    assert "distil" in said
    assert card.protocol.text in said
