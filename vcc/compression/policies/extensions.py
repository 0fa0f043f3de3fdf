"""The section `extensions`: steps between epochs that neither prune nor quantize."""

from __future__ import annotations

import abc
from dataclasses import dataclass

from vcc.compression.binding import BuildContext
from vcc.compression.policies.base import Policy
from vcc.compression.schedule.arguments import Arguments
from vcc.compression.schedule.dialect import POLICIES, PolicyArguments
from vcc.compression.schedule.epochs import ActiveEpochs
from vcc.compression.schedule.schedule import PolicySpec
from vcc.errors import ScheduleError
from vcc.registry import Registry


@dataclass(frozen=True, kw_only=True)
class ExtensionArguments(Arguments, abc.ABC):
    """Arguments of a class of the schedule's section `extensions`."""

    @abc.abstractmethod
    def policy(self, spec: PolicySpec, network: BuildContext) -> Policy | None:
        """Return the policy, or None where a problem was noted."""


EXTENSIONS: Registry[type[ExtensionArguments]] = Registry(
    "extension",
    group="vcc.extensions",
    rooms=("vcc.compression.policies",),
    error=ScheduleError,
)


@POLICIES.register("extension")
@dataclass(frozen=True, kw_only=True)
class ExtensionPolicyArguments(PolicyArguments):
    """Takes an extension's step before each of its epochs."""

    section = "extensions"
    parts = EXTENSIONS
    order = 4

    def structural_epochs(self, active: ActiveEpochs) -> tuple[int, ...]:
        return tuple(sorted(set(active.epochs)))

    def needs_training(self, part: Arguments) -> bool:
        return False

    def policy(
        self, spec: PolicySpec, made: ExtensionArguments, network: BuildContext
    ) -> Policy | None:
        return made.policy(spec, network)
