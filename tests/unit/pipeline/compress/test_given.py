"""A recipe's options change its schedule, and the card says what has been seen."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from vcc.config.compression import ClipChoice, CompressionOptions
from vcc.config.distillation import DistillationOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ScheduleError
from vcc.pipeline.card import Network
from vcc.pipeline.compress.given import carded, schedule_given
from vcc.pipeline.compress.recipe import Recipe, recipe_for

SCHEDULE: dict[str, Any] = {
    "pruners": {
        "p": {
            "class": "L1RankedStructureParameterPruner",
            "group_type": "Filters",
            "desired_sparsity": 0.5,
            "weights": ["type:Conv3d"],
        }
    },
    "policies": [{"pruner": {"instance_name": "p"}, "epochs": [0]}],
}


def recipe(network: Network, folder: Path, *, schedule: Any = None, **more: Any) -> Recipe:
    file = folder / "own.yaml"
    file.write_text(yaml.safe_dump(schedule or SCHEDULE))
    words = {"n_epochs": 2, "learning_rate": None, "parent": "models:/net/1"}
    return recipe_for(network, CompressionOptions(schedule=file), **{**words, **more})


def test_a_schedule_without_options_is_the_file_s(
    network: Network, dataset: PreparedDataset, tmp_path: Path
) -> None:
    given = schedule_given(recipe(network, tmp_path), dataset)
    assert [(part.section, part.name) for part in given.components] == [("pruners", "p")]


def test_distillation_adds_its_policy(
    network: Network, dataset: PreparedDataset, tmp_path: Path
) -> None:
    made = recipe(network, tmp_path, distillation=DistillationOptions(t_path="teacher"))
    given = schedule_given(made, dataset)
    assert {part.section for part in given.components} == {"pruners", "distillers"}


def test_a_file_that_cannot_be_read_is_named(
    network: Network, dataset: PreparedDataset, tmp_path: Path
) -> None:
    made = recipe(network, tmp_path)
    (tmp_path / "own.yaml").write_text("pruners: [")
    with pytest.raises(ScheduleError, match="own.yaml"):
        schedule_given(made, dataset)


def test_the_card_is_of_what_is_made_and_knows_all_videos_that_were_seen(
    network: Network, dataset: PreparedDataset, tmp_path: Path
) -> None:
    made = recipe(network, tmp_path)
    carded_network = carded(network, made, dataset)
    card = carded_network.card
    assert carded_network.model is network.model
    assert (card.role, card.methods, card.parent) == ("compressed", (made.method,), "models:/net/1")
    assert card.training == made.training
    # The same data: nothing more was seen.
    assert card.train_videos == network.card.train_videos
    old = dataclasses.replace(network.card, train_videos=None)
    assert carded(Network(model=network.model, card=old), made, dataset).card.train_videos is None


def test_clips_of_the_options_go_into_the_schedule(
    network: Network, dataset: PreparedDataset, tmp_path: Path
) -> None:
    made = recipe(network, tmp_path, clip_override=ClipChoice(sample_duration=2))
    given = schedule_given(made, dataset)
    plain = schedule_given(recipe(network, tmp_path), dataset)
    assert given != plain
