"""Untrained networks that fit a prepared data set, with their cards."""

from __future__ import annotations

from typing import Any

from vcc.config.data import ClipOptions
from vcc.config.training import TrainingOptions
from vcc.data.clips.normalisation import normalisation_for
from vcc.data.store.prepared import PreparedDataset
from vcc.models import arch_name, build_model
from vcc.pipeline.card import Network, card_of

CLIP = ClipOptions(
    sample_size=16, sample_duration=4, batch_size=4, n_threads=0, n_val_samples=1, std_norm=True
)


def network_for(dataset: PreparedDataset, **options: Any) -> Network:
    """Return an untrained ResNet-10 of an eighth of the width that fits a data set."""
    model = build_model(
        "resnet",
        n_classes=len(dataset.labels),
        sample_size=CLIP.sample_size,
        sample_duration=CLIP.sample_duration,
        **{"model_depth": 10, "width_mult": 0.125, **options},
    ).eval()
    card = card_of(
        dataset,
        arch=arch_name(model.spec),
        clip=CLIP,
        training=TrainingOptions(n_epochs=1, learning_rate=0.01),
        normalisation=normalisation_for(CLIP, dataset),
    )
    return Network(model=model, card=card)
