"""What a compression runs follows from the network that is compressed."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.compression import default_schedule, last_epoch, load_schedule
from vcc.compression.schedule.edits import with_distiller
from vcc.config.compression import CompressionOptions
from vcc.config.data import ClipOptions
from vcc.config.distillation import DistillationOptions
from vcc.config.training import TrainingOptions
from vcc.data.clips.normalisation import PixelNormalisation
from vcc.errors import ScheduleError
from vcc.models import build_model
from vcc.pipeline.card import Network, NetworkCard
from vcc.pipeline.compress.recipe import recipe_for


def network(family: str) -> Network:
    card = NetworkCard(
        arch=family,
        role="dense",
        dataset="motion",
        data_digest="0",
        split="split1",
        labels=("a", "b"),
        clip=ClipOptions(batch_size=4),
        training=TrainingOptions(learning_rate=0.4, optimizer="adamw", devices=2, num_nodes=3),
        normalisation=PixelNormalisation(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
    )
    return Network(model=build_model(family, n_classes=2, width_mult=0.25), card=card)


def test_it_goes_on_as_the_network_was_trained_at_a_quarter_of_the_rate() -> None:
    recipe = recipe_for(
        network("resnet"), CompressionOptions(), n_epochs=None, learning_rate=None, parent="p"
    )
    assert recipe.training.learning_rate == pytest.approx(0.1)
    assert recipe.training.optimizer == "adamw"
    # However many processes trained it, one compresses it.
    assert (recipe.training.devices, recipe.training.num_nodes) == (0, 0)
    assert recipe.clip.batch_size == 4
    assert recipe.schedule.name.startswith("resnet_")
    assert recipe.schedule.is_file()


def test_what_is_told_wins() -> None:
    options = CompressionOptions(schedule=Path("mine.yaml"), round_to=8)
    recipe = recipe_for(network("resnet"), options, n_epochs=3, learning_rate=0.02, parent=None)
    assert (recipe.schedule, recipe.n_epochs, recipe.round_to) == (Path("mine.yaml"), 3, 8)
    assert recipe.training.learning_rate == 0.02


@pytest.mark.parametrize("family", ["resnet", "mobilenetv2", "csn"])
def test_the_shipped_schedule_is_the_one_of_the_network_s_own_family(family: str) -> None:
    recipe = recipe_for(
        network(family), CompressionOptions(), n_epochs=None, learning_rate=None, parent=None
    )
    assert recipe.schedule.name.startswith(f"{family}_")


def test_kd_adds_a_distiller_for_all_epochs_and_the_options_weigh_it() -> None:
    options = CompressionOptions(compression_type=("ep", "kd"))
    recipe = recipe_for(network("resnet"), options, n_epochs=None, learning_rate=None, parent=None)
    assert recipe.distils
    assert recipe.method == "ep+kd"
    plain = load_schedule(recipe.schedule)
    distilled = with_distiller(plain, DistillationOptions(kd_temp=2.0).weights(), n_epochs=None)
    assert "distillers" not in plain.as_mapping()
    (distiller,) = distilled.as_mapping()["distillers"].values()
    assert distiller["temperature"] == 2.0
    policy = distilled.as_mapping()["policies"][-1]
    assert (policy["starting_epoch"], policy["ending_epoch"]) == (0, last_epoch(plain))


def test_a_schedule_that_trains_nothing_cannot_distil() -> None:
    schedule = load_schedule(default_schedule("resnet", "ptq"))
    with pytest.raises(ScheduleError, match="trains no epoch"):
        with_distiller(schedule, DistillationOptions().weights(), n_epochs=None)
