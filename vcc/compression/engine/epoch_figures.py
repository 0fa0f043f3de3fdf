"""What a schedule has done so far, epoch by epoch: sparsity of the whole and of each layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import lightning
from torch import nn

from vcc.compression.engine.scheduler import CompressionScheduler
from vcc.compression.masks.sparsity import share_of_zero_filters, share_of_zeros, sparsity_table

Record = Callable[[int, Mapping[str, float]], None]


def sparsity_figures(model: nn.Module) -> dict[str, float]:
    """Return `sparsity`, `filter_sparsity`, and `layer_sparsity.NAME` of each layer, all 0..1."""
    rows = sparsity_table(model)
    layers = {f"layer_sparsity.{row.name.removesuffix('.weight')}": row.sparsity for row in rows}
    return {
        "sparsity": share_of_zeros(rows),
        "filter_sparsity": share_of_zero_filters(rows),
        **layers,
    }


class EpochFigures(lightning.Callback):
    """Records an epoch's figures once the scheduler has ended it.

    Stands after `CompressionCallback` in a Trainer's list, so that what an epoch's end masks is
    counted.

    Args:
        scheduler: whose network is measured.
        first_epoch: absolute epoch of the Trainer's epoch 0.
        record: takes (absolute epoch, figures).
    """

    def __init__(
        self, scheduler: CompressionScheduler, *, first_epoch: int, record: Record
    ) -> None:
        self.scheduler, self.first_epoch, self.record = scheduler, first_epoch, record

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Record sparsity and how many policies acted."""
        if not trainer.is_global_zero:
            return
        epoch = self.first_epoch + trainer.current_epoch
        active = len(self.scheduler.active_policies(epoch))
        figures = sparsity_figures(self.scheduler.model)
        self.record(epoch, {**figures, "active_policies": float(active)})
