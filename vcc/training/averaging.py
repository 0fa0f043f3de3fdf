"""Averaged weights: what is validated, kept as best and registered when `ema_decay` is set."""

from __future__ import annotations

from typing import Any

import lightning
from lightning.pytorch.callbacks import EMAWeightAveraging
from torch import nn


class AveragedWeights(EMAWeightAveraging):
    """Lightning's exponential moving average, with its module in reach of other callbacks.

    BatchNorm statistics are averaged with the weights. Callbacks that keep or mask averaged
    weights come after this one.
    """

    def averaged(self) -> nn.Module:
        """Return the copy of the LightningModule that holds the averages.

        Raises:
            RuntimeError: training has not begun.
        """
        if self._average_model is None:
            msg = "there are no averaged weights before training begins"
            raise RuntimeError(msg)
        module: nn.Module = self._average_model.module
        return module


def averaged_or_own(trainer: lightning.Trainer, pl_module: Any) -> Any:
    """Return the module whose weights were validated: the averages where some are kept.

    Between validations Lightning has the trained weights in the module itself.
    """
    for callback in getattr(trainer, "callbacks", []):
        if isinstance(callback, AveragedWeights):
            return callback.averaged()
    return pl_module
