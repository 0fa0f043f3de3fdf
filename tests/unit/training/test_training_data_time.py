"""The wait for clips and the steps are told apart."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import lightning
import torch
from torch.utils.data import DataLoader, IterableDataset

from vcc.config.training import TrainingOptions
from vcc.training.data_time import StepTimes
from vcc.training.progress import EpochReport
from vcc.training.trainer import fit

BATCHES, FETCH, STEP = 3, 0.03, 0.01


class Slow(IterableDataset[torch.Tensor]):
    """Batches that take a while to make."""

    def __iter__(self) -> Iterator[torch.Tensor]:
        for _ in range(BATCHES):
            time.sleep(FETCH)
            yield torch.ones(2, 1)

    def __len__(self) -> int:
        return BATCHES


class Data(lightning.LightningDataModule):
    """Training batches only."""

    def train_dataloader(self) -> Any:
        return DataLoader(Slow(), batch_size=None)


class Module(lightning.LightningModule):
    """Steps that take a while."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(1, 1)

    def train_figures(self) -> dict[str, float]:
        return {"train_loss": 0.0}

    epoch_figures = train_figures

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        time.sleep(STEP)
        loss: torch.Tensor = self.linear(batch).mean()
        return loss

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def test_each_epoch_reports_its_own_wait_and_steps() -> None:
    recorded: dict[int, Mapping[str, float]] = {}
    report = EpochReport(first_epoch=0, n_epochs=2, record=recorded.__setitem__)
    fit(Module(), Data(), TrainingOptions(no_cuda=True), n_epochs=2, callbacks=[report])
    assert len(recorded) == 2
    for figures in recorded.values():
        # Sleeping never takes less than asked for; an epoch's clock holds both.
        assert figures["data_seconds"] >= BATCHES * FETCH
        assert figures["step_seconds"] >= BATCHES * STEP
        assert figures["data_seconds"] + figures["step_seconds"] <= figures["epoch_seconds"]
        both = figures["data_seconds"] + figures["step_seconds"]
        assert figures["data_share"] == figures["data_seconds"] / both
    second = sum(figures["data_seconds"] for figures in recorded.values())
    assert recorded[1]["data_seconds"] < second


def test_nothing_measured_is_no_share() -> None:
    times = StepTimes()
    times.stop("never started")
    assert times.figures() == {"data_seconds": 0.0, "step_seconds": 0.0, "data_share": 0.0}
