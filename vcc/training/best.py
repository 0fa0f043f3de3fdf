"""Keeps the weights of the epoch that did best on the dev videos."""

from __future__ import annotations

import copy
import logging
import math
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from vcc.training.averaging import averaged_or_own

_logger = logging.getLogger(__name__)


class BestWeights(Callback):
    """Restores, after training, the weights with the highest dev video top-1.

    Ties go to the lower dev loss, then to the later epoch. The weights stay in memory: they are as
    large as the network, and an interrupted run has nothing to clean up.

    Args:
        first_epoch: absolute number of the Trainer's epoch 0.
        first_candidate: absolute number of the first epoch that may be kept; a compression schedule
            that is still ramping its sparsity has not reached its network yet.
    """

    def __init__(self, *, first_epoch: int = 0, first_candidate: int = 0) -> None:
        self.first_epoch = first_epoch
        self.first_candidate = first_candidate
        self.best_epoch: int | None = None
        self._best: tuple[float, float] | None = None
        self._weights: dict[str, Tensor] | None = None

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Take a copy of the weights when this epoch is the best so far."""
        epoch = self.first_epoch + trainer.current_epoch
        if epoch < self.first_candidate:
            return
        top1, loss = (
            float(trainer.callback_metrics[name]) for name in ("dev_video_top1", "dev_loss")
        )
        # No loss is below NaN, which would keep its epoch.
        figure = (top1, -math.inf if math.isnan(loss) else -loss)
        if self._best is None or figure >= self._best:
            self._best = figure
            self.best_epoch = epoch
            validated = averaged_or_own(trainer, pl_module)
            self._weights = copy.deepcopy(validated.classifier.state_dict())

    @property
    def weights(self) -> dict[str, Tensor] | None:
        """The best weights so far, a state dict of the classifier."""
        return self._weights

    def state_dict(self) -> dict[str, Any]:
        """Return the best so far, for a checkpoint."""
        figure = None if self._best is None else list(self._best)
        return {"epoch": self.best_epoch, "figure": figure, "weights": self._weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the best so far from a checkpoint."""
        figure = state_dict["figure"]
        self.best_epoch = state_dict["epoch"]
        self._best = None if figure is None else (float(figure[0]), float(figure[1]))
        self._weights = state_dict["weights"]

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Put the best weights back, after averages and also when no epoch was left to train."""
        if self._weights is not None and self.best_epoch is not None:
            pl_module.classifier.load_state_dict(self._weights)
            _logger.info(
                "kept the weights of epoch %d, dev video top-1 %.1f %%",
                self.best_epoch + 1,
                100 * (self._best or (0.0, 0.0))[0],
            )
