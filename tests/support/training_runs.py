"""A tiny training on real clips, in this process or in one that dies at a chosen moment."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from data_videos import prepare_tree, write_tree
from killing import die_at, run_until_killed

import vcc.pipeline.train.epochs
from vcc.config.data import ClipOptions
from vcc.config.model import ModelOptions
from vcc.config.training import TrainingOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.train.step import train_step
from vcc.tracking.silent import SilentRun
from vcc.training.resume_checkpoint import CheckpointPlan

MODEL = ModelOptions(model="mobilenetv2", width_mult=0.125, dropout=0.2)
CLIP = ClipOptions(
    sample_size=24, sample_duration=4, batch_size=3, n_threads=0, std_norm=True, n_val_samples=1
)
TRAINING = TrainingOptions(
    n_epochs=4,
    learning_rate=0.01,
    lr_scheduler="plateau",
    lr_patience=0,
    mixup_alpha=0.2,
    ema_decay=0.5,
    gradient_clip=1.0,
    no_cuda=True,
)


class RecordingRun(SilentRun):
    """Keeps the figures of each epoch, without the times, and the files."""

    def __init__(self) -> None:
        super().__init__()
        self.figures: dict[int, dict[str, float]] = {}
        self.files: dict[str, dict[str, bytes]] = {}

    def log_file(self, path: Path, folder: str | None = None) -> None:
        self.files[str(folder)] = {each.name: each.read_bytes() for each in path.iterdir()}

    def log_metrics(
        self, metrics: Mapping[str, float], *, step: int | None = None, model_id: str | None = None
    ) -> None:
        if step is not None:
            self.figures[step] = {
                name: value
                for name, value in metrics.items()
                if name.startswith(("train_", "dev_", "learning_rate", "loss_"))
            }


def tiny_dataset(root: Path) -> PreparedDataset:
    """Prepare videos of two classes: 8 to train on (3 batches) and 4 of the dev set."""
    write_tree(root / "videos", groups=(1, 8, 9, 10), clips=2, frames=4)
    return prepare_tree(root, dev_share=0.3, short_side=24)


def train_tiny(
    dataset: PreparedDataset,
    *,
    training: TrainingOptions = TRAINING,
    folder: Path | None = None,
    resume_from: Path | None = None,
    clip: ClipOptions = CLIP,
) -> tuple[Network, RecordingRun]:
    """Train; with a folder, write a checkpoint there after each epoch."""
    run = RecordingRun()
    plan = None
    if folder is not None:
        plan = CheckpointPlan(folder=folder, every_n_epochs=1, resume_from=resume_from)
    network = train_step(
        dataset, model=MODEL, clip=clip, training=training, run=run, checkpoints=plan
    )
    return network, run


def train_and_die(
    data: Path,
    folder: Path,
    *,
    at_call: int,
    of: str = "step",
    training: TrainingOptions = TRAINING,
) -> None:
    """Train in another process that kills itself with SIGKILL, and wait for its end.

    Args:
        data: a prepared data set.
        folder: takes its checkpoints.
        at_call: number of the call, from 1, at which it dies.
        of: "step", an optimizer step that was taken; or "fsync", a checkpoint's file was written
            but did not take its name yet.
        training: its options.
    """
    options = json.dumps(training.as_dict())
    run_until_killed(__file__, str(data), str(folder), of, str(at_call), options)


def main() -> None:
    """Train and die, as `train_and_die` says."""
    data, folder, of, count, options = sys.argv[1:]
    torch.set_num_threads(1)
    if of == "step":
        die_at(vcc.pipeline.train.epochs.ClassifierModule, "on_train_batch_end", int(count))
    else:
        die_at(os, "fsync", int(count))
    given = json.loads(options)
    given["lr_steps"] = tuple(given["lr_steps"])
    training = dataclasses.replace(TRAINING, **given)
    train_tiny(PreparedDataset.open(Path(data)), training=training, folder=Path(folder))


if __name__ == "__main__":
    main()
