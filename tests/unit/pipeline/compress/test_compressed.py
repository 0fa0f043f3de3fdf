"""A compression beside the dense network's figures: its lines, its version and its note."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.compress import compressed as module
from vcc.pipeline.compress.compressed import Compressed, compress

RECIPE: Any = SimpleNamespace(schedule=Path("schedules/agp.yaml"))


def halved(network: Network, **clip: int) -> Network:
    """Return a copy of a network with a head of zeros, on other clips where asked for."""
    model = copy.deepcopy(network.model)
    with torch.no_grad():
        next(m for m in model.modules() if isinstance(m, nn.Linear)).weight.zero_()
    card = dataclasses.replace(
        network.card, role="compressed", clip=dataclasses.replace(network.card.clip, **clip)
    )
    return Network(model=model, card=card)


@pytest.fixture
def made(
    network: Network, dataset: PreparedDataset, monkeypatch: pytest.MonkeyPatch, run: Any
) -> Compressed:
    after = halved(network, sample_duration=2)
    monkeypatch.setattr(module, "compress_step", lambda *_, **__: after)
    return compress(network, dataset, RECIPE, run=run)


def test_figures_are_of_both_networks_each_on_its_own_clips(
    made: Compressed, network: Network
) -> None:
    assert made.before["sparsity"] == 0
    assert made.after["sparsity"] > 0
    assert made.dense_clip == network.card.protocol
    assert made.lines() == [
        f"parameters {made.before['params']:,.0f} -> {made.after['params']:,.0f}",
        f"MACs       {made.before['macs']:,.0f} -> {made.after['macs']:,.0f}",
        f"clip       {network.card.protocol.text} -> {made.network.card.protocol.text}",
    ]
    same = dataclasses.replace(made, network=halved(network))
    assert len(same.lines()) == 2


def test_it_is_registered_as_challenger_by_its_schedule(
    made: Compressed, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def register(network: Network, **words: Any) -> Any:
        given.update(words, network=network)
        return SimpleNamespace(uri="models:/net/2")

    monkeypatch.setattr(module, "register_network", register)
    assert made.register(run=run, tags={"epochs_trained": "3"}).uri == "models:/net/2"
    assert given["alias"] == "challenger"
    assert given["tags"] == {
        "run_id": run.run_id,
        "schedule": "agp.yaml",
        "epochs_trained": "3",
    }
    assert given["metrics"] == made.after
    assert given["network"] is made.network
    assert "models:/net/2" in run.tags["description"]
