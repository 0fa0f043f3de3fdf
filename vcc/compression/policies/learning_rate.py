"""The learning-rate policy: steps a scheduler at the end of its epochs, by absolute epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from vcc.compression.binding import BuildContext
from vcc.compression.policies.base import Policy, StepContext
from vcc.compression.policies.lr_schedulers import (
    LR_SCHEDULERS,
    LrSchedulerArguments,
    rebind,
    step_to,
)
from vcc.compression.schedule.dialect import POLICIES, PolicyArguments
from vcc.compression.schedule.epochs import ActiveEpochs
from vcc.compression.schedule.schedule import PolicySpec
from vcc.errors import ScheduleError


@POLICIES.register("lr_scheduler")
@dataclass(frozen=True, kw_only=True)
class LearningRateArguments(PolicyArguments):
    """Sets the learning rate."""

    section = "lr_schedulers"
    parts = LR_SCHEDULERS
    order = 3

    def policy(self, spec: PolicySpec, made: LrSchedulerArguments, network: BuildContext) -> Policy:
        part = network.schedule.component(spec.subject, spec.instance)
        return LearningRatePolicy(spec.instance, spec.epochs, part.class_name, made.make)


class LearningRatePolicy(Policy):
    """Runs one of the dialect's schedulers on whatever optimizer is attached.

    Args:
        name: instance name.
        active: epochs at whose end the rate is set for the next epoch.
        class_name: scheduler class, for messages.
        make: returns the scheduler of an optimizer.
    """

    runs_last = True

    def __init__(
        self,
        name: str,
        active: ActiveEpochs,
        class_name: str,
        make: Callable[[Optimizer], LRScheduler],
    ) -> None:
        super().__init__(name, active)
        self.class_name, self.make = class_name, make
        self.lr_scheduler: LRScheduler | None = None
        self._optimizer: Optimizer | None = None
        self._saved: Mapping[str, Any] | None = None

    def attach(self, optimizer: Optimizer) -> None:
        if optimizer is self._optimizer:
            return
        old, old_optimizer = self.lr_scheduler, self._optimizer
        fresh = self._make(optimizer)
        if old is not None and old_optimizer is not None:
            rates = [float(group["lr"]) for group in old_optimizer.param_groups]
            rebind(old, fresh, rates, optimizer)
        self.lr_scheduler, self._optimizer = fresh, optimizer
        if self._saved is not None:
            saved, self._saved = self._saved, None
            self.load_state_dict(saved)

    def on_epoch_end(self, context: StepContext) -> None:
        if self.lr_scheduler is None:
            msg = (
                f"lr_scheduler {self.name} has no optimizer: give one to file_config or call attach"
            )
            raise ScheduleError(msg)
        try:
            step_to(self.lr_scheduler, context.epoch + 1, context.metrics)
        except KeyError as error:
            msg = (
                f"lr_scheduler {self.name} needs the metric {error}: call on_epoch_end with "
                "metrics={'min': loss, 'max': accuracy}"
            )
            raise ScheduleError(msg) from error

    def state_dict(self) -> dict[str, Any]:
        if self.lr_scheduler is None:
            return dict(self._saved or {})
        state = {
            key: value
            for key, value in self.lr_scheduler.state_dict().items()
            if isinstance(value, int | float | str | list | dict | type(None)) and key != "base_lrs"
        }
        return {"lr_scheduler": state}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        if self.lr_scheduler is None:
            self._saved = saved
        elif saved:
            self.lr_scheduler.load_state_dict(dict(saved["lr_scheduler"]))

    def _make(self, optimizer: Optimizer) -> LRScheduler:
        try:
            return self.make(optimizer)
        except (TypeError, ValueError) as error:
            msg = f"lr_scheduler {self.name}: {self.class_name} refuses its arguments: {error}"
            raise ScheduleError(msg) from error
