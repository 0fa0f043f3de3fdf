"""One line and one record per epoch."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from vcc.training.progress import EpochReport


def trainer(epoch: int = 0, *, first: bool = True, **metrics: float) -> Any:
    return SimpleNamespace(
        current_epoch=epoch,
        is_global_zero=first,
        num_training_batches=4,
        callback_metrics={name: torch.tensor(value) for name, value in metrics.items()},
        callbacks=[],
        train_dataloader=None,
    )


MODULE: Any = SimpleNamespace(epoch_figures=lambda: {"train_loss": 1.5, "train_clip_top1": 0.5})


class Records:
    """A report of epochs 3 to 5, and what it recorded."""

    def __init__(self) -> None:
        self.seen: dict[int, Mapping[str, float]] = {}
        self.report = EpochReport(first_epoch=2, n_epochs=5, record=self.seen.__setitem__)

    def epoch(self, of: Any) -> None:
        self.report.on_train_epoch_start(of, MODULE)
        self.report.on_train_batch_end(of, MODULE, None, None, 0)
        self.report.on_train_epoch_end(of, MODULE)


def test_figures_are_recorded_by_the_run_s_own_epoch(caplog: pytest.LogCaptureFixture) -> None:
    records = Records()
    with caplog.at_level(logging.INFO):
        records.epoch(trainer(1, dev_clip_top1=0.25, dev_video_top1=0.75, other=9.0))
    (figures,) = records.seen.values()
    assert list(records.seen) == [3]
    assert figures["train_loss"] == 1.5
    assert figures["dev_video_top1"] == 0.75
    assert "other" not in figures
    assert figures["epoch_seconds"] >= 0
    assert records.report.history == records.seen
    line = caplog.messages[-1]
    assert line.startswith(
        "epoch 4/5: train loss 1.500, dev clip top-1 25.0 %, dev video top-1 75.0 %, "
    )
    assert line.endswith("to epoch 5")


def test_the_last_epoch_and_one_without_validation(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Records().epoch(trainer(2))
    assert "dev" not in caplog.messages[-1]
    assert "to epoch" not in caplog.messages[-1]


def test_other_processes_record_nothing() -> None:
    records = Records()
    records.epoch(trainer(0, first=False))
    assert not records.seen
    assert not records.report.history


def test_figures_before_a_resumption_are_kept() -> None:
    records = Records()
    records.epoch(trainer(0))
    again = Records()
    # JSON has no whole numbers as keys.
    history = {str(epoch): row for epoch, row in records.report.state_dict()["history"].items()}
    again.report.load_state_dict({"history": history})
    again.epoch(trainer(1))
    assert list(again.report.history) == [2, 3]
