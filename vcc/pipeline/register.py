"""Registers what a training or a compression made, under its alias, with its note on the run."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from vcc.models.checkpoint import save_checkpoint
from vcc.models.network import network_of
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.step import size_figures
from vcc.pipeline.notes import trained_note
from vcc.pipeline.tags import card_tags, metric_tags, model_tags, quantizer_tags
from vcc.tracking.registry import Version, register_checkpoint, registered_name, set_alias
from vcc.tracking.runs import Run


def register_trained(
    network: Network, *, run: Run, tags: Mapping[str, str] | None = None
) -> Version:
    """Register a dense network as baseline and describe its run.

    Args:
        network: what was trained.
        run: that trained it.
        tags: what else made it.
    """
    figures = size_figures(network)
    version = register_network(
        network,
        alias="baseline",
        tags={"run_id": run.run_id, **(tags or {})},
        metrics=figures,
    )
    run.describe(trained_note(network.card, version.uri, figures))
    return version


def register_network(
    network: Network, *, alias: str, tags: Mapping[str, str], metrics: Mapping[str, float]
) -> Version:
    """Save a network as a checkpoint, register it and point an alias at it.

    Args:
        network: what to register.
        alias: baseline or challenger.
        tags: what made it.
        metrics: what it measured so far.
    """
    card = network.card
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "checkpoint"
        save_checkpoint(checkpoint, network.model, card.as_metadata())
        version = register_checkpoint(
            checkpoint,
            name=registered_name(card.arch, card.dataset),
            clip_shape=card.clip_shape,
            n_classes=len(card.labels),
            tags={
                **card_tags(card),
                **model_tags(network_of(network.model).spec),
                **quantizer_tags(network),
                **tags,
                **metric_tags(metrics),
            },
        )
    set_alias(version, alias)
    return version
