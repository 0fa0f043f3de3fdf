"""The Lightning callback: averaged weights are as sparse as the trained ones, whoever is first."""

from __future__ import annotations

from typing import Any

import lightning
import pytest
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging
from torch import Tensor, nn
from torch.optim import SGD, Optimizer
from torch.utils.data import DataLoader
from toy_training import batch_of, pruned_by, tiny_net

from vcc.compression import CompressionCallback, file_config
from vcc.errors import ScheduleError
from vcc.training.averaging import AveragedWeights

AGP = {
    "class": "AutomatedGradualPruner",
    "initial_sparsity": 0.2,
    "final_sparsity": 0.6,
    "weights": ["conv1.weight", "fc.weight"],
}


class Module(lightning.LightningModule):
    """Trains the tiny network by cross-entropy."""

    def __init__(self) -> None:
        super().__init__()
        self.net = tiny_net()
        self.compression: CompressionCallback | None = None

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        clips, labels = batch
        logits = self.net(clips)
        loss: Tensor = nn.functional.cross_entropy(logits, labels)
        assert self.compression is not None
        made = {"teacher_inputs": clips, "logits": logits, "loss": loss}
        outputs = type("Outputs", (), made)()
        return self.compression.adjust_loss(batch_idx, 3, outputs)[0]

    def configure_optimizers(self) -> Optimizer:
        return SGD(self.net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)


class Watch(lightning.Callback):
    """Counts the weights of the averages that a mask should have zeroed, after every step."""

    def __init__(self, average: AveragedWeights, compression: CompressionCallback) -> None:
        self.average, self.compression = average, compression
        self.stray: list[int] = []

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *args: Any) -> None:
        averaged: Any = self.average.averaged()
        masks = self.compression.scheduler.masks
        counts = [
            int((averaged.net.get_parameter(name)[~mask] != 0).sum())
            for name, mask in masks.items()
            if mask is not None
        ]
        self.stray.append(sum(counts))


@pytest.mark.parametrize("average_first", [True, False])
def test_averaged_weights_are_masked_too(average_first: bool) -> None:
    module = Module()
    scheduler = file_config(module.net, None, pruned_by(AGP, end=3))
    module.compression = CompressionCallback(scheduler)
    average = AveragedWeights(decay=0.9)
    pair = [average, module.compression]
    watch = Watch(average, module.compression)
    trainer = lightning.Trainer(
        max_epochs=4,
        accelerator="cpu",
        callbacks=[*(pair if average_first else pair[::-1]), watch],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )

    trainer.fit(module, DataLoader([batch_of(0, step) for step in range(3)], batch_size=None))

    assert watch.stray == [0] * 12
    # the average is in the module at the end
    assert int((module.net.conv1.weight == 0).sum()) == int(0.6 * 216)
    assert bool(torch.isfinite(module.net.conv1.weight).all())


def test_averages_out_of_reach_are_refused() -> None:
    module = Module()
    module.compression = CompressionCallback(file_config(module.net, None, pruned_by(AGP, end=3)))
    trainer = lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        callbacks=[EMAWeightAveraging(decay=0.9), module.compression],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    with pytest.raises(ScheduleError, match="EMAWeightAveraging averages cannot be masked"):
        trainer.fit(module, DataLoader([batch_of(0, 0)], batch_size=None))
