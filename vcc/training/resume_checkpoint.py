"""Keeps what a training needs to go on after it was interrupted, and puts it back.

`last.ckpt` is Lightning's checkpoint of the last finished epoch. Lightning restores weights,
optimizer, learning rates, loop positions and the callbacks' own state from it; what it leaves out
(random states, the plateau schedule's last step, that early stopping has struck) is kept here.
"""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Checkpoint

from vcc.errors import TrainingError
from vcc.training.best import BestWeights

_logger = logging.getLogger(__name__)

LAST_FILE = "last.ckpt"
# Where the checkpoint keeps what the training says about itself.
ABOUT_KEY = "vcc_training"
# Nobody wants to lose more than this, whatever the interval in epochs.
_SECONDS_BETWEEN = 600.0


@dataclass(frozen=True, kw_only=True)
class CheckpointPlan:
    """Where a training keeps its checkpoint, how often it writes it, and where it resumes.

    Attributes:
        folder: takes `last.ckpt`, and the best network beside it.
        every_n_epochs: interval; the last epoch is always written, and so is one that ends more
            than ten minutes after the last writing.
        resume_from: checkpoint of an interrupted training of the same module and callbacks, whose
            epochs count among those asked for; None begins anew.
    """

    folder: Path
    every_n_epochs: int
    resume_from: Path | None = None


class ResumeCheckpoint(Checkpoint):
    """Writes `last.ckpt` at the end of epochs; on resuming, restores what Lightning does not.

    Lightning calls it after every other callback, so that theirs are in the state of a finished
    epoch.

    Args:
        plan: where, when, and from where.
        about: plain JSON types that say what is trained; `read_state(...)[ABOUT_KEY]` returns them.
        first_epoch: absolute number of the Trainer's epoch 0.
        best: whose weights `keep_best` is given when they have changed.
        keep_best: takes the best weights so far, a state dict of the classifier.
    """

    def __init__(
        self,
        plan: CheckpointPlan,
        *,
        about: Mapping[str, Any],
        first_epoch: int = 0,
        best: BestWeights | None = None,
        keep_best: Callable[[Mapping[str, torch.Tensor]], None] | None = None,
    ) -> None:
        self.path = plan.folder / LAST_FILE
        self.resume_from = plan.resume_from
        self.first_epoch = first_epoch
        self._every = plan.every_n_epochs
        self._about = dict(about)
        self._best = best
        self._keep_best = keep_best
        self._best_kept: int | None = None
        self._written = time.monotonic()
        self._dev_loss = math.nan
        self._stopped = False
        self._restored: dict[str, Any] | None = None

    def describe(self) -> str:
        """Return where a training that failed can go on, for the end of its message."""
        kept = self.path if self.path.is_file() else self.resume_from
        if kept is None:
            return "no checkpoint was written yet"
        return f"the last good checkpoint is kept: resume_path={kept}"

    def on_train_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Put back what Lightning does not, when the training was resumed."""
        restored, self._restored = self._restored, None
        if restored is None:
            return
        _logger.info("resuming %s after %d epochs", self.resume_from, trainer.current_epoch)
        # Lightning steps this schedule after the callbacks that save, and not when it resumes.
        for config in trainer.lr_scheduler_configs:
            if config.reduce_on_plateau:
                config.scheduler.step(restored["dev_loss"])
        trainer.should_stop = bool(restored["stopped"])
        _restore_random_states(restored["random"])

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Write the checkpoint when it is due."""
        self._dev_loss = float(trainer.callback_metrics.get("dev_loss", math.nan))
        self._stopped = bool(trainer.should_stop)
        done = trainer.current_epoch + 1
        due = (
            (self.first_epoch + done) % self._every == 0
            or done == trainer.max_epochs
            or self._stopped
            or time.monotonic() - self._written >= _SECONDS_BETWEEN
        )
        # Saving waits for all processes: they must agree, and their clocks may not.
        if not trainer.strategy.broadcast(due):
            return
        self._refuse_broken(trainer, pl_module)
        trainer.save_checkpoint(self.path)
        self._written = time.monotonic()
        if trainer.is_global_zero:
            self._write_best()

    def state_dict(self) -> dict[str, Any]:
        """Return what the next `on_train_start` needs."""
        return {
            "dev_loss": self._dev_loss,
            "stopped": self._stopped,
            "random": _random_states(),
            "best_kept": self._best_kept,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep a checkpoint's state until training begins."""
        self._restored = state_dict

    def on_save_checkpoint(
        self, trainer: lightning.Trainer, pl_module: Any, checkpoint: dict[str, Any]
    ) -> None:
        """Add what the training says about itself."""
        n_done = self.first_epoch + trainer.current_epoch + 1
        checkpoint[ABOUT_KEY] = {**self._about, "epochs_done": n_done}

    def _refuse_broken(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Keep the last good checkpoint rather than replace it by weights that are not numbers."""
        broken = next(
            (n for n, p in pl_module.named_parameters() if not bool(torch.isfinite(p).all())), None
        )
        if broken is not None:
            epoch = self.first_epoch + trainer.current_epoch
            msg = (
                f"after epoch {epoch} the weights {broken} are not finite: try a smaller "
                "learning_rate or set gradient_clip"
            )
            raise TrainingError(msg)

    def _write_best(self) -> None:
        if self._best is None or self._keep_best is None:
            return
        weights = self._best.weights
        if weights is not None and self._best.best_epoch != self._best_kept:
            self._keep_best(weights)
            self._best_kept = self._best.best_epoch


def _random_states() -> dict[str, Any]:
    version, words, gauss = random.getstate()
    numpy_state: Any = np.random.get_state(legacy=False)  # noqa: NPY002
    inner = numpy_state["state"]
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "python": [version, list(words), gauss],
        "numpy": {**numpy_state, "state": {"key": inner["key"].tolist(), "pos": inner["pos"]}},
    }


def _restore_random_states(states: Mapping[str, Any]) -> None:
    torch.set_rng_state(states["torch"])
    # Another machine may have another number of devices; each step is seeded anew anyway.
    if torch.cuda.is_available() and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
    version, words, gauss = states["python"]
    random.setstate((version, tuple(words), gauss))
    inner = states["numpy"]["state"]
    key = np.array(inner["key"], np.uint32)
    np.random.set_state({**states["numpy"], "state": {"key": key, "pos": inner["pos"]}})  # noqa: NPY002
