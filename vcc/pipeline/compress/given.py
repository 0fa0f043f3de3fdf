"""What a compression is given: the schedule that its recipe asks for, and its network's card."""

from __future__ import annotations

import dataclasses

from vcc.compression.schedule.edits import with_clips, with_distiller, with_guard, with_overflow
from vcc.compression.schedule.loader import load_schedule
from vcc.compression.schedule.schedule import Schedule
from vcc.data.store.contents import training_contents
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.compress.clip_change import settle_clips
from vcc.pipeline.compress.recipe import Recipe


def schedule_given(recipe: Recipe, dataset: PreparedDataset) -> Schedule:
    """Return the schedule of a recipe's file, with what its options change in it.

    Args:
        recipe: what to do.
        dataset: what the network is trained on; a guard needs its dev videos.

    Raises:
        ScheduleError: the file cannot be read, or has nothing for the options to act on.
    """
    schedule = with_clips(load_schedule(recipe.schedule), recipe.clip_override.chosen())
    schedule = settle_clips(schedule, recipe.clip)
    if recipe.distils:
        weights = recipe.distillation.weights()
        schedule = with_distiller(schedule, weights, n_epochs=recipe.n_epochs)
    schedule = with_overflow(schedule, recipe.overflow)
    return with_guard(schedule, recipe.guard, has_dev=bool(dataset.videos("dev")))


def carded(baseline: Network, recipe: Recipe, dataset: PreparedDataset) -> Network:
    """Return the network with the card of what the recipe makes of it; the model is shared."""
    card = baseline.card.compressed(
        method=recipe.method, parent=recipe.parent, training=recipe.training
    )
    if card.train_videos is not None:
        # The data may be others than the baseline's: both have been seen.
        seen = training_contents(dataset, also=card.train_videos)
        card = dataclasses.replace(card, train_videos=seen)
    return Network(model=baseline.model, card=card)
