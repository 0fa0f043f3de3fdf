"""Learning-rate schedulers: torch's by name, and Distiller's own two."""

from __future__ import annotations

import abc
import dataclasses
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor
from torch.optim import Optimizer, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from vcc.compression.schedule.arguments import Arguments, argument
from vcc.compression.schedule.fields import anything, integer, list_of, number
from vcc.errors import ScheduleError
from vcc.registry import Registry

# torch's schedulers whose arguments are functions or other schedulers: not expressible in YAML
_NOT_EXPRESSIBLE = {
    "LambdaLR",
    "MultiplicativeLR",
    "SequentialLR",
    "ChainedScheduler",
    "LRScheduler",
    # Distiller's of the same name is another
    "PolynomialLR",
}


@dataclass(frozen=True, kw_only=True)
class LrSchedulerArguments(Arguments, abc.ABC):
    """Arguments of a learning-rate scheduler of the schedule's section `lr_schedulers`."""

    # whether PyTorch documents it
    of_torch: ClassVar[bool] = False

    @abc.abstractmethod
    def make(self, optimizer: Optimizer) -> LRScheduler:
        """Return the scheduler of an optimizer.

        Raises:
            TypeError, ValueError: the scheduler's class refuses the arguments.
        """


LR_SCHEDULERS: Registry[type[LrSchedulerArguments]] = Registry(
    "lr_scheduler",
    group="vcc.lr_schedulers",
    rooms=("vcc.compression.policies",),
    error=ScheduleError,
)


@LR_SCHEDULERS.register("PolynomialLR")
@dataclass(frozen=True, kw_only=True)
class PolynomialArguments(LrSchedulerArguments):
    """Base rate times (1 - epoch / T_max) to a power. Distiller's, not torch's."""

    T_max: int = argument(integer(1), help_text="epoch at which the rate is 0, at least 1")
    power: float = argument(number(above=0), help_text="exponent, above 0")

    def make(self, optimizer: Optimizer) -> LRScheduler:
        return PolynomialLR(optimizer, self.T_max, self.power)


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


@LR_SCHEDULERS.register("MultiStepMultiGammaLR")
@dataclass(frozen=True, kw_only=True)
class MultiGammaArguments(LrSchedulerArguments):
    """Multiplies the rate by each gamma whose milestone has passed."""

    milestones: tuple[int, ...] = argument(list_of(integer(0)), help_text="epochs, increasing")
    gammas: tuple[float, ...] = argument(
        list_of(number(at_least=0)), help_text="a factor for each milestone, at least 0"
    )

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super().conflicts(given)
        lengths = {len(given[name]) for name in ("milestones", "gammas") if name in given}
        if len(lengths) > 1:
            yield "milestones and gammas must have the same length"

    def make(self, optimizer: Optimizer) -> LRScheduler:
        return MultiStepMultiGammaLR(optimizer, self.milestones, self.gammas)


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


class TorchArguments(LrSchedulerArguments):
    """Arguments of one of torch's schedulers, by its signature.

    Attributes:
        scheduler: the class.
    """

    of_torch = True
    scheduler: ClassVar[Callable[..., LRScheduler]]

    def make(self, optimizer: Optimizer) -> LRScheduler:
        given = {name: getattr(self, name) for name in self.fields() if name != _OLD}
        lists = {name: list(v) if isinstance(v, tuple) else v for name, v in given.items()}
        return type(self).scheduler(optimizer, **lists)

    def __reduce__(self) -> tuple[Any, ...]:
        # The class was made when this module was imported, so that no module has its name.
        return _restored, (type(self).__name__, self.chosen())


# older torch had it, older schedules set it
_OLD = "verbose"


def _restored(name: str, chosen: Mapping[str, Any]) -> LrSchedulerArguments:
    return LR_SCHEDULERS.get(name)(**chosen)


def _torch_arguments(scheduler: type[LRScheduler]) -> type[TorchArguments]:
    fields: list[tuple[str, Any, Any]] = []
    for name, parameter in inspect.signature(scheduler).parameters.items():
        if name in ("optimizer", "last_epoch", _OLD) or parameter.kind is parameter.VAR_KEYWORD:
            continue
        required = parameter.default is parameter.empty
        told = argument(anything) if required else argument(anything, parameter.default)
        fields.append((name, Any, told))
    fields.append((_OLD, Any, argument(anything, None)))
    return dataclasses.make_dataclass(
        scheduler.__name__,
        fields,
        bases=(TorchArguments,),
        namespace={"scheduler": scheduler, "__doc__": f"torch's `{scheduler.__name__}`."},
        frozen=True,
        kw_only=True,
    )


def _register_torch() -> None:
    for name, member in vars(lr_scheduler).items():
        is_scheduler = inspect.isclass(member) and issubclass(member, LRScheduler)
        if is_scheduler and not name.startswith("_") and name not in _NOT_EXPRESSIBLE:
            LR_SCHEDULERS.add(name, _torch_arguments(member))


_register_torch()


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
