"""Learning-rate schedulers: torch's by name, and Distiller's own two."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.optim import Optimizer, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau


class PolynomialLR(LRScheduler):
    """base * (1 - t / T_max)^power; 0 from T_max on. Distiller's, not torch's of the same name.

    Args:
        optimizer: whose rates are set.
        T_max: epoch at which the rate reaches 0.
        power: exponent.
        last_epoch: -1 at the start.
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, power: float, last_epoch: int = -1
    ) -> None:
        self.T_max, self.power = T_max, power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float | Tensor]:
        """Return the rate of each parameter group at `last_epoch`."""
        rest = max(0.0, 1 - self.last_epoch / self.T_max)
        return [float(base) * rest**self.power for base in self.base_lrs]


class MultiStepMultiGammaLR(LRScheduler):
    """Multiplies the base rate by each gamma whose milestone has passed.

    Args:
        optimizer: whose rates are set.
        milestones: epochs, increasing.
        gammas: one per milestone.
        last_epoch: -1 at the start.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Sequence[int],
        gammas: Sequence[float],
        last_epoch: int = -1,
    ) -> None:
        self.steps = sorted(zip(milestones, gammas, strict=True))
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float | Tensor]:
        """Return the rate of each parameter group at `last_epoch`."""
        factor = 1.0
        for milestone, gamma in self.steps:
            factor *= gamma if self.last_epoch >= milestone else 1.0
        return [float(base) * factor for base in self.base_lrs]


_OWN = {"PolynomialLR": PolynomialLR, "MultiStepMultiGammaLR": MultiStepMultiGammaLR}


def make_lr_scheduler(
    class_name: str, args: Mapping[str, Any], optimizer: Optimizer
) -> LRScheduler:
    """Build a scheduler of the dialect.

    Raises:
        TypeError, ValueError: the class refuses the arguments.
    """
    given = {key: list(v) if isinstance(v, tuple) else v for key, v in args.items()}
    given.pop("verbose", None)
    cls = _OWN.get(class_name) or getattr(lr_scheduler, class_name)
    scheduler: LRScheduler = cls(optimizer, **given)
    return scheduler


def step_to(scheduler: LRScheduler, epoch: int, metrics: Mapping[str, float] | None) -> None:
    """Set the rates for an absolute epoch, as if the scheduler had run from epoch 0.

    Args:
        scheduler: any of the dialect.
        epoch: the epoch that begins next.
        metrics: {"min": loss, "max": accuracy} for ReduceLROnPlateau.

    Raises:
        KeyError: ReduceLROnPlateau without its metric.
    """
    _cover_groups(scheduler)
    with warnings.catch_warnings():
        # torch deprecates the epoch argument, which is what makes a late policy land where
        # Distiller's does
        warnings.simplefilter("ignore")
        if isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step((metrics or {})[scheduler.mode], epoch)
        else:
            scheduler.step(epoch)


def _cover_groups(scheduler: LRScheduler) -> None:
    """Let a scheduler rule parameter groups that joined its optimizer later (PACT's clips)."""
    groups = scheduler.optimizer.param_groups
    for attribute, key in (("base_lrs", "initial_lr"), ("min_lrs", None)):
        values = getattr(scheduler, attribute, None)
        if isinstance(values, list) and values:
            for group in groups[len(values) :]:
                values.append(group.get(key, values[0]) if key else values[0])


def rebind(
    scheduler: LRScheduler, fresh: LRScheduler, rates: Sequence[float], optimizer: Optimizer
) -> None:
    """Make a fresh scheduler on a new optimizer go on where an old one stood.

    Args:
        scheduler: the old one, or the fresh one itself after a saved state was loaded into it.
        fresh: the new one.
        rates: learning rates in force, one per parameter group of the old optimizer.
        optimizer: the new optimizer.
    """
    saved = {key: value for key, value in scheduler.state_dict().items() if key != "base_lrs"}
    fresh.load_state_dict(saved)
    set_rates(optimizer, rates)


# what torch's schedulers set in an optimizer's groups
_RULED = ("lr", "momentum", "betas")


def ruled_settings(optimizer: Optimizer | None) -> list[dict[str, Any]]:
    """Return what learning-rate schedulers set, by parameter group, as plain values."""
    groups = optimizer.param_groups if optimizer is not None else []
    return [
        {key: float(v) if key == "lr" else v for key, v in group.items() if key in _RULED}
        for group in groups
    ]


def restore_settings(optimizer: Optimizer, settings: Sequence[Mapping[str, Any]]) -> None:
    """Set what `ruled_settings` returned; further groups get the first group's learning rate."""
    for i, group in enumerate(optimizer.param_groups):
        if settings:
            saved = settings[i] if i < len(settings) else {"lr": settings[0]["lr"]}
            group.update({key: value for key, value in saved.items() if key in group})


def set_rates(optimizer: Optimizer, rates: Sequence[float]) -> None:
    """Set learning rates by group; further groups get the first rate."""
    for i, group in enumerate(optimizer.param_groups):
        if rates:
            group["lr"] = rates[i] if i < len(rates) else rates[0]
