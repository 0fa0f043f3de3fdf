"""A network is registered whole: checkpoint, what found it again, figures, alias and note."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vcc.models.checkpoint import load_checkpoint
from vcc.pipeline import register as module
from vcc.pipeline.card import Network, NetworkCard
from vcc.pipeline.evaluate.step import size_figures
from vcc.tracking.registry import Version


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the registry is given; the checkpoint is read while it is there."""
    found: dict[str, Any] = {"aliases": []}

    def register(folder: Path, **words: Any) -> Version:
        found.update(words, checkpoint=load_checkpoint(folder))
        return Version(
            name=words["name"], number=4, model_id=None, created_ms=0, tags=words["tags"]
        )

    monkeypatch.setattr(module, "register_checkpoint", register)
    monkeypatch.setattr(
        module, "set_alias", lambda version, alias: found["aliases"].append((version.uri, alias))
    )
    return found


def test_a_version_has_what_it_needs_to_be_found_and_fed(
    registered: dict[str, Any], network: Network
) -> None:
    card = network.card
    version = module.register_network(
        network, alias="challenger", tags={"run_id": "r"}, metrics={"video_top1": 0.5}
    )
    assert version.name == f"vcc-{card.arch}-{card.dataset}"
    assert registered["clip_shape"] == card.clip_shape
    assert registered["n_classes"] == len(card.labels)
    tags = registered["tags"]
    assert (tags["run_id"], tags["role"], tags["dataset"]) == ("r", "dense", card.dataset)
    assert tags["video_top1"] == "0.5"
    assert registered["aliases"] == [(version.uri, "challenger")]
    kept = registered["checkpoint"]
    assert NetworkCard.from_metadata(kept.metadata, where="checkpoint") == card


def test_a_trained_network_is_the_baseline_and_described(
    registered: dict[str, Any], network: Network, run: Any
) -> None:
    version = module.register_trained(network, run=run, tags={"epochs_trained": "3"})
    assert registered["aliases"] == [(version.uri, "baseline")]
    assert registered["tags"]["run_id"] == run.run_id
    assert registered["tags"]["epochs_trained"] == "3"
    params = size_figures(network)["params"]
    assert float(registered["tags"]["params"]) == params
    assert f"{params:,.0f} parameters" in run.tags["description"]
    assert version.uri in run.tags["description"]
