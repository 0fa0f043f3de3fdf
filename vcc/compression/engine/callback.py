"""Lightning's hooks to the scheduler's callbacks, and nothing else.

A minibatch of the scheduler is one optimizer step: with gradient accumulation it spans several
batches. Validation runs between the last `on_minibatch_end` and `on_epoch_end`, as in Distiller's
loop, because Lightning validates before `on_train_epoch_end`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import lightning
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor, nn
from torch.optim import Optimizer

from vcc.compression.engine.scheduler import CompressionScheduler
from vcc.errors import ScheduleError


class StepLike(Protocol):
    """What a training step hands to `adjust_loss`."""

    @property
    def teacher_inputs(self) -> Tensor:
        """Pixels [N,3,T,H,W] that a teacher is asked about: the student's, or of its own clips."""

    @property
    def logits(self) -> Tensor:
        """Logits [N,C], with their gradient."""

    @property
    def loss(self) -> Tensor:
        """The classification loss, a scalar."""


@runtime_checkable
class KeepsAverages(Protocol):
    """A callback that keeps averaged weights within reach of the others."""

    def averaged(self) -> nn.Module:
        """Return the copy of the LightningModule that holds the averages."""


class CompressionCallback(lightning.Callback):
    """Drives a scheduler from a Trainer that trains one phase.

    Give `adjust_loss` to the module that computes the loss. Checkpoints must be written at the end
    of training epochs (`save_on_train_epoch_end=True`), when the scheduler has ended the epoch.

    Args:
        scheduler: what to drive.
        first_epoch: absolute epoch of the Trainer's epoch 0.
        loss_metric: logged metric that stands for "min" in `on_epoch_end`.
        accuracy_metric: logged metric that stands for "max".
    """

    def __init__(
        self,
        scheduler: CompressionScheduler,
        first_epoch: int = 0,
        *,
        loss_metric: str = "dev_loss",
        accuracy_metric: str = "dev_clip_top1",
    ) -> None:
        self.scheduler = scheduler
        self.first_epoch = first_epoch
        self.metric_names = {"min": loss_metric, "max": accuracy_metric}
        self._epoch = first_epoch
        self._accumulate = 1
        self._open = False

    def adjust_loss(
        self, batch_idx: int, n_batches: int, outputs: StepLike
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the loss with the policies' terms and those terms by name.

        Args:
            batch_idx: number of the batch in its epoch.
            n_batches: per epoch.
            outputs: the batch's loss and logits, and what a distiller's teacher is asked about.
        """
        self.scheduler.observe(outputs.teacher_inputs, outputs.logits)
        step, n_steps = self._step(batch_idx, n_batches)
        return self.scheduler.before_backward_pass(self._epoch, step, n_steps, outputs.loss)

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Bind the policies to this Trainer's optimizer, before a checkpoint's state is loaded.

        Raises:
            ScheduleError: a callback keeps averaged weights out of reach, where no mask holds.
        """
        for callback in getattr(trainer, "callbacks", []):
            if isinstance(callback, WeightAveraging) and not isinstance(callback, KeepsAverages):
                msg = (
                    f"the weights that {type(callback).__name__} averages cannot be masked: use "
                    "vcc.training.averaging.AveragedWeights"
                )
                raise ScheduleError(msg)
        self._accumulate = int(trainer.accumulate_grad_batches)
        self.scheduler.attach(trainer.optimizers[0])

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Begin the scheduler's epoch."""
        self._epoch = self.first_epoch + trainer.current_epoch
        self.scheduler.on_epoch_begin(self._epoch)

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        """Begin a minibatch, at the first of the batches that are accumulated."""
        if batch_idx % self._accumulate == 0:
            step, n_steps = self._step(batch_idx, int(trainer.num_training_batches))
            self.scheduler.on_minibatch_begin(self._epoch, step, n_steps)
            self._open = True

    def on_before_optimizer_step(
        self, trainer: lightning.Trainer, pl_module: Any, optimizer: Optimizer
    ) -> None:
        """Let the policies act between backward pass and step."""
        batch_idx = trainer.fit_loop.epoch_loop.batch_idx
        step, n_steps = self._step(batch_idx, int(trainer.num_training_batches))
        self.scheduler.before_parameter_optimization(self._epoch, step, n_steps, optimizer)

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """End the minibatch once the optimizer has stepped; masks are applied again."""
        n_batches = int(trainer.num_training_batches)
        last = batch_idx + 1 == n_batches
        if self._open and ((batch_idx + 1) % self._accumulate == 0 or last):
            step, n_steps = self._step(batch_idx, n_batches)
            self.scheduler.on_minibatch_end(self._epoch, step, n_steps, trainer.optimizers[0])
            self._open = False
            self._mask_averages(trainer, pl_module)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """End the scheduler's epoch, with the dev metrics of its validation."""
        logged = trainer.callback_metrics
        metrics = {
            mode: float(logged[name]) for mode, name in self.metric_names.items() if name in logged
        }
        self.scheduler.on_epoch_end(self._epoch, metrics)

    def state_dict(self) -> dict[str, Any]:
        """Return the scheduler's state, for the checkpoint."""
        return {"scheduler": self.scheduler.state_dict(), "first_epoch": self.first_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the scheduler from a checkpoint."""
        self.scheduler.load_state_dict(state_dict["scheduler"])
        self.first_epoch = int(state_dict["first_epoch"])

    def _step(self, batch_idx: int, n_batches: int) -> tuple[int, int]:
        return batch_idx // self._accumulate, math.ceil(n_batches / self._accumulate)

    def _mask_averages(self, trainer: lightning.Trainer, pl_module: nn.Module) -> None:
        """Mask averaged weights, if a callback keeps some."""
        path = next((n for n, m in pl_module.named_modules() if m is self.scheduler.model), None)
        for callback in getattr(trainer, "callbacks", []):
            if isinstance(callback, KeepsAverages) and path is not None:
                copy = callback.averaged()
                self.scheduler.apply_masks_to(copy.get_submodule(path) if path else copy)
