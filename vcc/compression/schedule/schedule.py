"""A compression schedule as data: immutable, checked, and written back as the YAML it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import yaml

from vcc.compression.schedule.epochs import ActiveEpochs
from vcc.compression.schedule.yaml_tree import TreePath

# definition section -> key that names its subject in a policy, in Distiller's order of precedence
SUBJECTS = {
    "pruners": "pruner",
    "regularizers": "regularizer",
    "quantizers": "quantizer",
    "lr_schedulers": "lr_scheduler",
    "extensions": "extension",
    "distillers": "distiller",
}
SECTIONS = tuple(SUBJECTS)


def freeze(value: Any) -> Any:
    """Return a read-only copy of plain YAML data."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: freeze(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    return value


def thaw(value: Any) -> Any:
    """Return a plain, writable copy of what `freeze` made."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [thaw(item) for item in value]
    return value


@dataclass(frozen=True)
class Component:
    """One entry of a definition section: a pruner, a regularizer, a quantizer, ..."""

    section: str
    name: str
    class_name: str
    args: Mapping[str, Any]
    path: TreePath = field(default=(), compare=False)


@dataclass(frozen=True)
class PolicySpec:
    """One entry of `policies`: what acts, with which arguments, in which epochs."""

    subject: str
    instance: str
    args: Mapping[str, Any]
    epochs: ActiveEpochs
    path: TreePath = field(default=(), compare=False)


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
        return next(
            part
            for part in self.components
            if SUBJECTS[part.section] == subject and part.name == instance
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

    def __reduce__(self) -> tuple[Any, ...]:
        # read-only mappings cannot be pickled; plain data can
        from vcc.compression.schedule.loader import load_schedule

        return load_schedule, (self.as_mapping(),)


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
