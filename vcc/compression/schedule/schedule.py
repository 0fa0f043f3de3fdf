"""A compression schedule as data: immutable, checked, and written back as the YAML it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from vcc.compression.schedule.arguments import Arguments
from vcc.compression.schedule.dialect import POLICIES, PolicyArguments
from vcc.compression.schedule.epochs import ActiveEpochs
from vcc.compression.schedule.frozen import FrozenMapping, freeze, thaw
from vcc.compression.schedule.yaml_tree import TreePath


@dataclass(frozen=True)
class Component:
    """One entry of a definition section: a pruner, a regularizer, a quantizer, ...

    Args:
        section: that holds it.
        name: of the entry.
        class_name: of its class.
        arguments: of the class.
        given: names of the arguments that were written down, in that order.
        path: in the file.
    """

    section: str
    name: str
    class_name: str
    arguments: Arguments
    given: tuple[str, ...] = field(default=(), compare=False)
    path: TreePath = field(default=(), compare=False)

    @property
    def args(self) -> Mapping[str, Any]:
        """The arguments as plain data: those written down, and those that are not as by default."""
        return _written(self.arguments, self.given)


@dataclass(frozen=True)
class PolicySpec:
    """One entry of `policies`: what acts, with which arguments, in which epochs.

    Args:
        subject: kind of policy.
        instance: name of the definition that it uses.
        arguments: of the kind.
        epochs: in which it acts.
        given: names of the arguments that were written down, in that order.
        path: in the file.
    """

    subject: str
    instance: str
    arguments: PolicyArguments
    epochs: ActiveEpochs
    given: tuple[str, ...] = field(default=(), compare=False)
    path: TreePath = field(default=(), compare=False)

    @property
    def args(self) -> Mapping[str, Any]:
        """The arguments as plain data: those written down, and those that are not as by default."""
        return _written(self.arguments, self.given)


@dataclass(frozen=True)
class Schedule:
    """A validated schedule.

    Args:
        components: definitions in file order.
        policies: in file order, which is the order in which they act.
        clips: figures of the compressed network's clips, see `vcc.compression.schedule.clips`;
            whoever makes the clips acts on them.
        version: the file's own `version`, which means nothing; None where it had none.
        source: where it came from, for messages.
        lines: line of each path in the file, for messages.
        warnings: what was accepted though it means nothing here.
    """

    components: tuple[Component, ...]
    policies: tuple[PolicySpec, ...]
    clips: Mapping[str, Any] = field(default_factory=lambda: freeze({}))
    version: Any = None
    source: str = field(default="schedule", compare=False)
    lines: Mapping[TreePath, int] = field(default_factory=dict, compare=False, repr=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)

    def component(self, subject: str, instance: str) -> Component:
        """Return the definition that a policy's subject and instance name stand for."""
        section = POLICIES.get(subject).section
        return next(
            part for part in self.components if part.section == section and part.name == instance
        )

    def in_section(self, section: str) -> tuple[Component, ...]:
        """Return the definitions of one section."""
        return tuple(part for part in self.components if part.section == section)

    def as_mapping(self) -> dict[str, Any]:
        """Return plain data that `load_schedule` turns into an equal schedule."""
        mapping: dict[str, Any] = {} if self.version is None else {"version": self.version}
        if self.clips:
            mapping["clips"] = thaw(self.clips)
        for part in self.components:
            section = mapping.setdefault(part.section, {})
            section[part.name] = {"class": part.class_name, **thaw(part.args)}
        mapping["policies"] = [_policy_mapping(policy) for policy in self.policies]
        return mapping

    def to_yaml(self) -> str:
        """Return the schedule as YAML text."""
        return yaml.safe_dump(self.as_mapping(), sort_keys=False)

    def __deepcopy__(self, memo: dict[int, Any]) -> Schedule:
        return self


def _written(arguments: Arguments, given: tuple[str, ...]) -> Mapping[str, Any]:
    names = dict.fromkeys((*given, *arguments.chosen()))
    values = {name: getattr(arguments, name) for name in names}
    return FrozenMapping(
        {
            name: FrozenMapping(value.chosen()) if isinstance(value, Arguments) else value
            for name, value in values.items()
        }
    )


def _policy_mapping(policy: PolicySpec) -> dict[str, Any]:
    subject: dict[str, Any] = {"instance_name": policy.instance}
    if policy.args:
        subject["args"] = thaw(policy.args)
    active = policy.epochs
    if active.frequency is None:
        return {policy.subject: subject, "epochs": list(active.epochs)}
    return {
        policy.subject: subject,
        "starting_epoch": active.start,
        "ending_epoch": active.end,
        "frequency": active.frequency,
    }
