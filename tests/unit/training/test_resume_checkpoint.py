"""When the state of a training is written, and what is put back."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from vcc.errors import TrainingError
from vcc.training.best import BestWeights
from vcc.training.resume_checkpoint import ABOUT_KEY, LAST_FILE, CheckpointPlan, ResumeCheckpoint


class Trainer:
    """A training of ten epochs that writes an empty file."""

    max_epochs = 10
    should_stop = False
    is_global_zero = True

    def __init__(self, epoch: int = 0) -> None:
        self.current_epoch = epoch
        self.callback_metrics = {"dev_loss": torch.tensor(0.5)}
        self.strategy = SimpleNamespace(broadcast=lambda value: value)
        self.lr_scheduler_configs: list[Any] = []
        self.written: list[int] = []

    def save_checkpoint(self, path: Path) -> None:
        path.write_bytes(b"")
        self.written.append(self.current_epoch)


def keeper(folder: Path, **changes: Any) -> ResumeCheckpoint:
    plan = CheckpointPlan(folder=folder, every_n_epochs=changes.pop("every", 3))
    return ResumeCheckpoint(plan, about={"model": "x"}, **changes)


def epochs(made: ResumeCheckpoint, *, count: int = 10, module: Any = None) -> list[int]:
    """Run epochs and return those after which the state was written."""
    trainer = Trainer()
    for epoch in range(count):
        trainer.current_epoch = epoch
        made.on_train_epoch_end(trainer, module or nn.Linear(1, 1))  # type: ignore[arg-type]
    return trainer.written


@pytest.mark.parametrize(
    ("first", "written"), [(0, [2, 5, 8, 9]), (1, [1, 4, 7, 9]), (3, [2, 5, 8, 9])]
)
def test_every_few_epochs_of_the_run_and_the_last(
    tmp_path: Path, first: int, written: list[int]
) -> None:
    assert epochs(keeper(tmp_path, first_epoch=first)) == written


def test_ten_minutes_are_long_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("vcc.training.resume_checkpoint.time.monotonic", lambda: now[0])
    made = keeper(tmp_path, every=100)
    assert epochs(made, count=3) == []
    now[0] += 600
    assert epochs(made, count=3) == [0]


def test_a_stopped_training_is_written_at_once(tmp_path: Path) -> None:
    made, trainer = keeper(tmp_path, every=100), Trainer(4)
    trainer.should_stop = True
    made.on_train_epoch_end(trainer, nn.Linear(1, 1))  # type: ignore[arg-type]
    assert trainer.written == [4]
    assert made.state_dict()["stopped"] is True
    assert made.state_dict()["dev_loss"] == 0.5


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_good_checkpoint_is_not_replaced_by_a_broken_one(tmp_path: Path, value: float) -> None:
    made, module = keeper(tmp_path, every=1, first_epoch=5), nn.Linear(1, 1)
    assert made.describe() == "no checkpoint was written yet"
    assert epochs(made, count=1, module=module) == [0]
    nn.init.constant_(module.bias, value)
    with pytest.raises(TrainingError, match="after epoch 5 the weights bias are not finite: try"):
        epochs(made, count=1, module=module)
    assert made.describe() == (
        f"the last good checkpoint is kept: resume_path={tmp_path / LAST_FILE}"
    )


def test_what_was_resumed_from_is_named_until_there_is_a_newer_one(tmp_path: Path) -> None:
    plan = CheckpointPlan(folder=tmp_path, every_n_epochs=1, resume_from=Path("old/last.ckpt"))
    made = ResumeCheckpoint(plan, about={})
    assert made.describe().endswith("resume_path=old/last.ckpt")
    epochs(made, count=1)
    assert made.describe().endswith(str(tmp_path / LAST_FILE))


def test_a_checkpoint_says_what_is_trained_and_how_far(tmp_path: Path) -> None:
    checkpoint: dict[str, Any] = {}
    made = keeper(tmp_path, first_epoch=5)
    made.on_save_checkpoint(Trainer(2), nn.Linear(1, 1), checkpoint)  # type: ignore[arg-type]
    assert checkpoint == {ABOUT_KEY: {"model": "x", "epochs_done": 8}}


def test_the_best_network_is_kept_when_it_changed(tmp_path: Path) -> None:
    best, kept = BestWeights(), []
    made = keeper(tmp_path, every=1, best=best, keep_best=kept.append)
    epochs(made, count=1)
    assert not kept
    figures = {"figure": [0.5, -1.0], "weights": {"w": torch.ones(1)}}
    best.load_state_dict({"epoch": 0, **figures})
    epochs(made, count=3)
    assert len(kept) == 1
    best.load_state_dict({"epoch": 2, **figures})
    epochs(made, count=1)
    assert len(kept) == 2


def draws() -> list[float]:
    return [random.random(), float(np.random.rand()), float(torch.rand(()))]  # noqa: NPY002


def test_random_numbers_go_on_where_they_were(tmp_path: Path) -> None:
    made = keeper(tmp_path)
    draws()
    state = made.state_dict()
    expected = draws()
    draws()
    again = keeper(tmp_path)
    again.load_state_dict(state)
    again.on_train_start(Trainer(1), nn.Linear(1, 1))  # type: ignore[arg-type]
    assert draws() == expected


@pytest.mark.parametrize("stopped", [False, True])
def test_a_plateau_s_last_step_and_a_stop_are_put_back(tmp_path: Path, stopped: bool) -> None:
    seen: list[float] = []
    trainer = Trainer(1)
    trainer.lr_scheduler_configs = [
        SimpleNamespace(reduce_on_plateau=True, scheduler=SimpleNamespace(step=seen.append)),
        SimpleNamespace(reduce_on_plateau=False, scheduler=None),
    ]
    made = keeper(tmp_path)
    made.load_state_dict({**made.state_dict(), "dev_loss": 0.25, "stopped": stopped})
    made.on_train_start(trainer, nn.Linear(1, 1))  # type: ignore[arg-type]
    assert (seen, trainer.should_stop) == ([0.25], stopped)
    # Once: a second phase of the same callbacks begins as it is.
    made.on_train_start(trainer, nn.Linear(1, 1))  # type: ignore[arg-type]
    assert seen == [0.25]


def test_a_new_training_begins_as_it_is(tmp_path: Path) -> None:
    trainer, module = Trainer(), nn.Linear(1, 1)
    before = torch.get_rng_state()
    keeper(tmp_path).on_train_start(trainer, module)  # type: ignore[arg-type]
    assert torch.equal(torch.get_rng_state(), before)
    assert trainer.should_stop is False
