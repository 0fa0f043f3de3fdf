"""What a schedule may hold: kinds of policy, the sections that define what they use, the classes.

Nothing is listed here: a kind of policy registers beside its code, and names the registry of the
classes that its section may hold. Arguments are Distiller's (docs/schedules*.md); ours are marked
as extensions in their help.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any, ClassVar

from vcc.compression.schedule.arguments import Arguments
from vcc.compression.schedule.epochs import ActiveEpochs
from vcc.errors import ScheduleError
from vcc.registry import Registry


@dataclass(frozen=True, kw_only=True)
class PolicyArguments(Arguments, abc.ABC):
    """What an entry of `policies` says beside its epochs, and what the schedule asks of its kind.

    Attributes:
        section: of the schedule, which defines what such policies use.
        parts: the classes that the section may name.
        order: the section's place among the others in a file, in Distiller's order of precedence.
        renames: whether the network's layers have other names once it has acted: see `foresee`.
    """

    section: ClassVar[str]
    parts: ClassVar[Registry[Any]]
    order: ClassVar[int] = 100
    renames: ClassVar[bool] = False

    @abc.abstractmethod
    def policy(self, spec: Any, made: Any, network: Any) -> Any:
        """Return the policy, or None where a problem was noted.

        Args:
            spec: the `PolicySpec` of the schedule.
            made: what its definition's `build` returned: a pruner, a regularizer; its arguments
                where they have no `build`.
            network: the `BuildContext`.
        """

    def structural_epochs(self, active: ActiveEpochs) -> tuple[int, ...]:
        """Return the epochs before which the network's structure changes."""
        return ()

    def foresee(self, part: Arguments, model: Any) -> None:  # noqa: B027 - most rename nothing
        """Give a copy of the network the layers, by name and kind, that it will have.

        What acts later is bound to that copy: its names are known before the epoch comes.

        Args:
            part: arguments of what the policy uses.
            model: a copy, to be changed in place.
        """

    def needs_training(self, part: Arguments) -> bool:
        """Return whether the network is trained in the policy's epochs.

        Args:
            part: arguments of what the policy uses.
        """
        return True

    def settled_epoch(self, active: ActiveEpochs) -> int | None:
        """Return the first epoch whose validation sees all its zeros; None: it makes none."""
        return None


POLICIES: Registry[type[PolicyArguments]] = Registry(
    "kind of policy",
    group="vcc.policies",
    rooms=("vcc.compression.policies",),
    error=ScheduleError,
)


@dataclass(frozen=True)
class ClassSpec:
    """A class of the dialect: the section that defines it, and its arguments."""

    section: str
    arguments: type[Arguments]


def subjects() -> dict[str, str]:
    """Return section -> key that names its subject in a policy, in the order of the sections."""
    kinds = sorted(POLICIES.items(), key=lambda item: item[1].order)
    return {kind.section: subject for subject, kind in kinds}


def classes() -> dict[str, ClassSpec]:
    """Return every class that a schedule may name."""
    return {
        name: ClassSpec(POLICIES.get(subject).section, arguments)
        for subject in subjects().values()
        for name, arguments in POLICIES.get(subject).parts.items()
    }
