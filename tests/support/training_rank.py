"""One of the processes that train together, started by torchrun: trains a network without norms.

BatchNorm's statistics are a process's own on the CPU, so a network with it would differ.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from training_runs import CLIP, TRAINING, RecordingRun

from vcc.data.clips.normalisation import normalisation_for
from vcc.data.store.prepared import PreparedDataset
from vcc.models.catalog import build_model
from vcc.pipeline.card import Network, card_of
from vcc.pipeline.train.epochs import train_epochs
from vcc.training.best import BestWeights
from vcc.training.processes import is_first_process


def train_without_norms(
    dataset: PreparedDataset, *, batch_size: int
) -> tuple[Network, RecordingRun]:
    """Train for two epochs; nothing is drawn at random but the clips."""
    torch.manual_seed(0)
    clip = dataclasses.replace(CLIP, batch_size=batch_size)
    # A ResNet's initial weights keep the signal's size without norms; a MobileNet's do not.
    model = build_model(
        "resnet",
        model_depth=10,
        n_classes=2,
        sample_size=24,
        sample_duration=4,
        width_mult=0.125,
        dropout=0.0,
    )
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm3d):
                setattr(module, name, nn.Identity())
    training = dataclasses.replace(
        TRAINING,
        n_epochs=2,
        learning_rate=0.3,
        dampening=0.0,
        mixup_alpha=0.0,
        lr_scheduler="constant",
    )
    card = card_of(
        dataset,
        arch="test",
        clip=clip,
        training=training,
        normalisation=normalisation_for(clip, dataset),
    )
    network, run = Network(model=model, card=card), RecordingRun()
    train_epochs(network, dataset, epochs=(0, 2), callbacks=[BestWeights()], run=run, span=2)
    return network, run


def main() -> None:
    """Train as one of several and write what came out, if this is the first."""
    data, output = map(Path, sys.argv[1:])
    torch.set_num_threads(1)
    network, run = train_without_norms(PreparedDataset.open(data), batch_size=2)
    if is_first_process():
        save_file(network.model.state_dict(), output / "weights.safetensors")
        (output / "figures.json").write_text(json.dumps(run.figures))
    else:
        (output / "other.json").write_text(json.dumps(run.figures))


if __name__ == "__main__":
    main()
