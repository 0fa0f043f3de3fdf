"""A tiny prepared data set and tiny networks with their cards, to compress without MLflow."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from small_families import SMALL_FAMILIES

from vcc.config.data import ClipOptions, PrepareOptions
from vcc.config.training import TrainingOptions
from vcc.data.clips.normalisation import normalisation_for
from vcc.data.prepare.run import prepare
from vcc.data.store.prepared import PreparedDataset
from vcc.models import arch_name, build_model
from vcc.pipeline.card import Network, card_of

CLIP = ClipOptions(
    sample_size=24, sample_duration=4, batch_size=12, n_threads=0, mean_dataset="data"
)
TRAINING = TrainingOptions(optimizer="adamw", learning_rate=0.01, no_cuda=True)
# of the families whose published networks are wide
_NARROWER = dict.fromkeys(("resnet", "csn", "resnext", "c3d"), 0.125)
# C3D's pools leave nothing of fewer; the built-in videos repeat theirs.
FRAMES = {"c3d": 9}


def tiny_dataset(root: Path, *, groups: int = 1) -> PreparedDataset:
    """Prepare the built-in videos, as few and as small as they go: two classes."""
    options = PrepareOptions(
        root_path=root,
        short_side=24,
        motion_classes=2,
        motion_clips=groups,
        motion_frames=5,
        motion_width=32,
        motion_height=32,
        n_jobs=1,
    )
    return PreparedDataset.open(prepare(options).root)


def tiny_baseline(
    dataset: PreparedDataset, family: str, *, training: TrainingOptions = TRAINING
) -> Network:
    """Return an untrained network of a family that knows the data's classes."""
    clip = dataclasses.replace(CLIP, sample_duration=FRAMES.get(family, CLIP.sample_duration))
    model = build_model(
        family,
        n_classes=len(dataset.labels),
        sample_size=clip.sample_size,
        sample_duration=clip.sample_duration,
        width_mult=_NARROWER.get(family, 0.25),
        **SMALL_FAMILIES[family],
    )
    card = card_of(
        dataset,
        arch=arch_name(model.spec),
        clip=clip,
        training=training,
        normalisation=normalisation_for(clip, dataset),
    )
    return Network(model=model, card=card)


class Recorded:
    """Stands for an MLflow run and keeps what it is told."""

    run_id = "recorded"

    def __init__(self) -> None:
        self.metrics: defaultdict[str, dict[int, float]] = defaultdict(dict)
        self.texts: dict[str, str] = {}
        self.dicts: dict[str, Any] = {}
        self.files: list[tuple[str, str | None]] = []
        self.tags: dict[str, str] = {}
        self.resolved: dict[str, Any] = {}

    def log_metrics(self, metrics: Mapping[str, float], *, step: int | None = None) -> None:
        for name, value in metrics.items():
            self.metrics[name][step or 0] = value

    def log_text(self, text: str, name: str) -> None:
        self.texts[name] = text

    def log_dict(self, content: Mapping[str, Any], name: str) -> None:
        self.dicts[name] = dict(content)

    def log_file(self, path: Path, folder: str | None = None) -> None:
        self.files.append((path.name, folder))

    def set_tags(self, tags: Mapping[str, str]) -> None:
        self.tags.update(tags)

    def log_resolved(self, values: Mapping[str, Any]) -> None:
        self.resolved = dict(values)
