"""A compressed network says what it was made from, how, and by which schedule, wherever it goes."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from vcc.compression.schedule.shipped import default_schedule
from vcc.config.compression import CompressionOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network, NetworkCard
from vcc.pipeline.compress.recipe import recipe_for
from vcc.pipeline.compress.step import compress_step
from vcc.pipeline.lineage import stages_of, traced, weight_count
from vcc.pipeline.notes import compressed_note, evaluated_note, trained_note
from vcc.pipeline.tags import card_tags


def net(channels: int, *, zeros: int = 0) -> nn.Module:
    torch.manual_seed(0)
    model = nn.Conv3d(3, channels, 1)
    with torch.no_grad():
        model.weight[:zeros] = 0
    return model


@pytest.mark.parametrize(
    ("model", "distilled", "stages"),
    [
        (net(4), False, ("fine-tuned",)),
        (net(4), True, ("distilled",)),
        (net(4, zeros=2), False, ("masked",)),
        (net(3), False, ("masked", "thinned")),
    ],
)
def test_stages_are_read_from_what_came_out(
    model: nn.Module, distilled: bool, stages: tuple[str, ...]
) -> None:
    before = weight_count(net(4))
    assert stages_of(model, weights_before=before, distilled=distilled) == stages


def test_a_card_goes_on_from_its_parent_s_lineage(network: Network, tmp_path: Path) -> None:
    schedule = tmp_path / "ep.yaml"
    schedule.write_text("version: 1\n")
    card = network.card
    for number, stages in ((1, ("masked", "thinned")), (2, ("quantized",))):
        parent = f"models:/x/{number}"
        made = card.compressed(method="m", parent=parent, training=card.training)
        card = traced(made, stages=stages, schedule=schedule, teacher=None)
    tags = card_tags(card)
    assert tags["lineage"] == "models:/x/1 > masked > thinned > models:/x/2 > quantized"
    assert tags["schedule"] == "ep.yaml"
    assert tags["schedule_digest"] == hashlib.sha256(schedule.read_bytes()).hexdigest()
    assert "teacher" not in tags
    assert NetworkCard.from_metadata(card.as_metadata(), where="here") == card


def test_cards_of_before_there_was_a_lineage_are_read(network: Network) -> None:
    old = network.card.as_metadata()
    for key in ("lineage", "schedule", "schedule_digest", "teacher"):
        del old[key]
    assert NetworkCard.from_metadata(old, where="here") == network.card


def test_a_compression_leaves_lineage_tags_and_pictures_of_its_layers(
    network: Network, dataset: PreparedDataset, run: Any
) -> None:
    options = CompressionOptions(
        compression_type=("ptq", "kd"), schedule=default_schedule("resnet", "ep")
    )
    recipe = recipe_for(network, options, n_epochs=None, learning_rate=None, parent="models:/x/1")
    recipe = replace(recipe, clip=replace(recipe.clip, batch_size=32))
    made = compress_step(network, dataset, recipe, run=run)
    assert run.tags["lineage"] == "models:/x/1 > distilled > masked > thinned"
    assert run.tags["teacher"] == "itself, dense"
    assert made.card.schedule == "resnet_filters_agp_thin.yaml"
    assert {"layers/weights.png", "layers/sparsity.png"} <= set(run.files)


def test_notes_say_what_was_done_and_what_came_out(network: Network) -> None:
    figures = {"params": 1000.0, "macs": 2e6, "sparsity": 0.25}
    less = {**figures, "params": 400.0}
    card = replace(network.card, lineage=("models:/x/1", "masked"), schedule="ep.yaml")
    text = compressed_note(card, "models:/x/2", before=figures, after=less)
    for part in ("by ep.yaml:", "models:/x/1 > masked", "1,000 -> 400", "25.0%", "models:/x/2"):
        assert part in text
    text = trained_note(card, "models:/x/1", figures)
    for part in ("4 frames of 16 pixels", "1,000 parameters", "models:/x/1"):
        assert part in text
    found = {"test_videos": 10.0, "video_top1": 0.5, "clip_top1": 0.4, "ece": 0.1}
    assert "10 test videos" in evaluated_note(card, found)
