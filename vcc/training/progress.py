"""Reports each epoch: one line for people, the figures for whoever records them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from vcc.progress import Ticker, on_terminal, spoken
from vcc.training.data_time import step_times

_logger = logging.getLogger(__name__)


class EpochReport(Callback):
    """Reports an epoch's figures once its validation has run.

    Args:
        first_epoch: absolute number of the Trainer's epoch 0.
        n_epochs: absolute number of epochs, for the line.
        record: takes (absolute epoch, figures), such as a tracking client.

    Attributes:
        history: absolute epoch to its figures, those before a resumption included.
    """

    def __init__(
        self,
        *,
        first_epoch: int,
        n_epochs: int,
        record: Callable[[int, Mapping[str, float]], None],
    ) -> None:
        self._first = first_epoch
        self._total = n_epochs
        self._record = record
        self._started = 0.0
        self._ticker: Ticker | None = None
        self.history: dict[int, dict[str, float]] = {}

    def state_dict(self) -> dict[str, Any]:
        """Return the figures so far, for a checkpoint."""
        return {"history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the figures of the epochs before a checkpoint."""
        self.history = {int(epoch): dict(row) for epoch, row in state_dict["history"].items()}

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Start the epoch's clock."""
        self._started = time.monotonic()
        if (times := step_times(trainer)) is not None:
            times.reset()
        # A terminal has a bar; an epoch may take hours, and a log would say nothing for as long.
        self._ticker = None
        if trainer.is_global_zero and not on_terminal():
            title = f"in epoch {self._first + trainer.current_epoch + 1} of {self._total}"
            self._ticker = Ticker(title, int(trainer.num_training_batches), "batches")

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write a line now and then within a long epoch."""
        if self._ticker is not None:
            self._ticker.at(batch_idx + 1)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Write the line and record the figures."""
        seconds = time.monotonic() - self._started
        dev = {
            name: float(value)
            for name, value in trainer.callback_metrics.items()
            if name.startswith("dev_")
        }
        figures = {**pl_module.epoch_figures(), **dev, "epoch_seconds": seconds}
        if (times := step_times(trainer)) is not None:
            figures |= times.figures()
        if not trainer.is_global_zero:
            return
        epoch = self._first + trainer.current_epoch
        self.history[epoch] = figures
        self._record(epoch, figures)
        seen = "".join(
            f"dev {title} top-1 {100 * dev[name]:.1f} %, "
            for title, name in (("clip", "dev_clip_top1"), ("video", "dev_video_top1"))
            if name in dev
        )
        _logger.info(
            "epoch %d/%d: train loss %.3f, %s%.1f s%s",
            epoch + 1,
            self._total,
            figures["train_loss"],
            seen,
            seconds,
            self._left(epoch, seconds),
        )

    def _left(self, epoch: int, seconds: float) -> str:
        """Return how long the further epochs take if they are like this one; "" after the last."""
        epochs = self._total - epoch - 1
        return f", about {spoken(epochs * seconds)} to epoch {self._total}" if epochs > 0 else ""
