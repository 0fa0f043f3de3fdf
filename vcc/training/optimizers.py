"""Optimizers and learning-rate schedules by the thesis's option names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.optim import SGD, AdamW, Optimizer, lr_scheduler

from vcc.config.training import TrainingOptions
from vcc.errors import ConfigError


def make_optimizer(parameters: Iterable[nn.Parameter], options: TrainingOptions) -> Optimizer:
    """Return the optimizer that the options name.

    Raises:
        ConfigError: Nesterov momentum without momentum.
    """
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    if options.optimizer == "adamw":
        return AdamW(trained, lr=options.learning_rate, weight_decay=options.weight_decay)
    if options.nesterov and options.momentum == 0:
        msg = "nesterov: needs momentum > 0"
        raise ConfigError(msg)
    return SGD(
        trained,
        lr=options.learning_rate,
        momentum=options.momentum,
        # Nesterov's update is defined without dampening; the thesis sets it to 0 as well.
        dampening=0.0 if options.nesterov else options.dampening,
        weight_decay=options.weight_decay,
        nesterov=options.nesterov,
    )


def make_lr_scheduler(
    optimizer: Optimizer, options: TrainingOptions, *, steps_per_epoch: int, n_epochs: int
) -> dict[str, Any] | None:
    """Return Lightning's scheduler record, or None for a constant rate.

    Args:
        optimizer: whose rate falls.
        options: which schedule, and its settings.
        steps_per_epoch: optimizer steps in an epoch.
        n_epochs: epochs that the schedule spans.

    Raises:
        ConfigError: a warm-up as long as the training.
    """
    total_steps = steps_per_epoch * n_epochs
    match options.lr_scheduler:
        case "onecycle":
            # Cycling the momentum needs one to cycle: plain SGD without momentum has none.
            cycles_momentum = options.optimizer == "adamw" or options.momentum > 0
            schedule: Any = lr_scheduler.OneCycleLR(
                optimizer,
                max_lr=options.learning_rate,
                total_steps=total_steps,
                cycle_momentum=cycles_momentum,
            )
            return {"scheduler": schedule, "interval": "step"}
        case "cosine":
            schedule = _cosine(optimizer, options.lr_warmup_epochs * steps_per_epoch, total_steps)
            return {"scheduler": schedule, "interval": "step"}
        case "multistep":
            schedule = lr_scheduler.MultiStepLR(optimizer, milestones=list(options.lr_steps))
            return {"scheduler": schedule, "interval": "epoch"}
        case "step":
            schedule = lr_scheduler.StepLR(optimizer, step_size=options.lr_step_epochs)
            return {"scheduler": schedule, "interval": "epoch"}
        case "plateau":
            schedule = lr_scheduler.ReduceLROnPlateau(optimizer, patience=options.lr_patience)
            return {"scheduler": schedule, "interval": "epoch", "monitor": "dev_loss"}
        case _:
            return None


def _cosine(optimizer: Optimizer, warmup_steps: int, total_steps: int) -> Any:
    """Return a cosine to zero, after a linear rise from a hundredth of the rate."""
    if warmup_steps == 0:
        return lr_scheduler.CosineAnnealingLR(optimizer, T_max=total_steps)
    if warmup_steps >= total_steps:
        msg = "lr_warmup_epochs: must be fewer than n_epochs, for the cosine to have epochs left"
        raise ConfigError(msg)
    rise = lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=warmup_steps)
    fall = lr_scheduler.CosineAnnealingLR(optimizer, T_max=total_steps - warmup_steps)
    return lr_scheduler.SequentialLR(optimizer, [rise, fall], milestones=[warmup_steps])
