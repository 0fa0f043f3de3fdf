"""YAML or a mapping to a `Schedule`, reporting every error of the file at once.

What Distiller's own schedules contain (a bare name where a list belongs, `epochs` beside a range)
and a key that appears twice are accepted with a warning; whatever is unknown is an error.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from vcc.compression.schedule.arguments import Arguments
from vcc.compression.schedule.clips import CLIP_FIELDS
from vcc.compression.schedule.dialect import POLICIES, classes, subjects
from vcc.compression.schedule.epochs import ActiveEpochs, epoch_list, epoch_range
from vcc.compression.schedule.fields import Field, integer, is_finite, list_of, mapping
from vcc.compression.schedule.frozen import freeze
from vcc.compression.schedule.schedule import Component, PolicySpec, Schedule
from vcc.compression.schedule.yaml_tree import Tree, TreePath, describe_path, read_tree
from vcc.errors import ScheduleError, nearest, one_line

log = logging.getLogger(__name__)

ArgumentsT = TypeVar("ArgumentsT", bound=Arguments)

_TIMES = ("starting_epoch", "ending_epoch", "frequency")


def load_schedule(source: str | Path | Mapping[str, Any] | Schedule) -> Schedule:
    """Read and check a schedule.

    Args:
        source: a YAML file's path, the mapping that such a file holds, or a schedule.

    Raises:
        ScheduleError: unreadable, or with anything unknown, missing or out of range; the message
            lists every problem with its line and path.
    """
    if isinstance(source, Schedule):
        return source
    given = isinstance(source, Mapping)
    tree = Tree(source, "schedule") if given else read_tree(Path(str(source)))
    schedule = _Reader(tree).read()
    for warning in schedule.warnings:
        log.warning("%s: %s", schedule.source, warning)
    return schedule


def raise_problems(source: str, problems: list[str]) -> None:
    """Raise one error that lists all problems, if there are any."""
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        msg = f"{source}: {count}: {'; '.join(problems)}"
        # A name in the file may hold a line break; an error is one line whatever the file says.
        raise ScheduleError("".join(c if c.isprintable() else repr(c)[1:-1] for c in msg))


class _Reader:
    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.subjects = subjects()
        self.problems: list[str] = []
        self.warnings: list[str] = []

    def read(self) -> Schedule:
        raw = self.tree.value
        if not isinstance(raw, Mapping):
            self.problem((), "a schedule is a mapping with the key policies")
            raise_problems(self.tree.source, self.problems)
        for path in self.tree.repeated:
            self.warn(path, "appears twice; the last one counts")
        self.check_sections(raw)
        components = [part for section in self.subjects for part in self.components(raw, section)]
        self.check_quantizers(raw)
        policies, clips = self.policies(raw, components), self.clips(raw.get("clips"))
        raise_problems(self.tree.source, self.problems)
        return Schedule(
            components=tuple(components),
            policies=tuple(policies),
            clips=freeze(clips),
            version=raw.get("version"),
            source=self.tree.source,
            lines=self.tree.lines,
            warnings=tuple(self.warnings),
        )

    def place(self, path: TreePath, words: str) -> str:
        line = self.tree.line(path)
        where = f"line {line}, " if line is not None else ""
        return f"{where}{describe_path(path)}: {words}"

    def problem(self, path: TreePath, words: str) -> None:
        self.problems.append(self.place(path, words))

    def warn(self, path: TreePath, words: str) -> None:
        self.warnings.append(self.place(path, words))

    def check_sections(self, raw: Mapping[str, Any]) -> None:
        known = ("version", "clips", *self.subjects, "policies")
        for key in raw:
            if key not in known:
                self.problem((str(key),), f"unknown section: {nearest(str(key), known)}")
        if "policies" not in raw and not raw.get("quantizers"):
            self.problem((), "the section policies is missing; an empty list is fine")

    def clips(self, given: Any) -> dict[str, Any]:
        try:
            figures = mapping({} if given is None else given)
        except ValueError as error:
            self.problem(("clips",), str(error))
            return {}
        return self.arguments(("clips",), figures, CLIP_FIELDS)

    def components(self, raw: Mapping[str, Any], section: str) -> list[Component]:
        entries = raw.get(section)
        if entries is None:
            return []
        if not isinstance(entries, Mapping):
            self.problem((section,), "must map instance names to their class and arguments")
            return []
        parts = [self.component(section, str(name), entry) for name, entry in entries.items()]
        return [part for part in parts if part is not None]

    def component(self, section: str, name: str, entry: Any) -> Component | None:
        path = (section, name)
        if not isinstance(entry, Mapping) or "class" not in entry:
            self.problem(path, "must be a mapping with the key class")
            return None
        class_name = str(entry["class"])
        spec = classes().get(class_name)
        if spec is None:
            known = [key for key, item in classes().items() if item.section == section]
            self.problem(
                (*path, "class"), f"unknown class {class_name!r}: {nearest(class_name, known)}"
            )
            return None
        if spec.section != section:
            self.problem((*path, "class"), f"{class_name} belongs in the section {spec.section}")
            return None
        given = {str(key): value for key, value in entry.items() if key != "class"}
        arguments = self.typed(path, given, spec.arguments)
        if arguments is None:
            return None
        return Component(section, name, class_name, arguments, tuple(given), path)

    def typed(
        self, path: TreePath, given: Mapping[str, Any], cls: type[ArgumentsT]
    ) -> ArgumentsT | None:
        """Return the arguments of a class; None where a problem was noted."""
        before = len(self.problems)
        args = self.arguments(path, given, cls.fields())
        for words in cls.conflicts(args):
            self.problem(path, words)
        return None if len(self.problems) > before else cls(**args)

    def arguments(
        self, path: TreePath, given: Mapping[str, Any], fields: Mapping[str, Field]
    ) -> dict[str, Any]:
        args = {}
        for key, value in given.items():
            if key not in fields:
                self.problem((*path, key), f"unknown argument: {nearest(key, fields)}")
                continue
            if key == "weights" and isinstance(value, str):
                self.warn((*path, key), "one bare name; write it as a list")
            try:
                args[key] = fields[key].check(value)
            except ValueError as error:
                self.problem((*path, key), str(error))
                continue
            # Some fields take whatever another package does.
            if not is_finite(args[key]):
                self.problem((*path, key), f"{one_line(value, at_most=60)} is not finite")
        for key, field in fields.items():
            if field.required and key not in given:
                self.problem(path, f"the argument {key} is missing")
        return args

    def check_quantizers(self, raw: Mapping[str, Any]) -> None:
        quantizers = raw.get("quantizers")
        names = list(quantizers) if isinstance(quantizers, Mapping) else []
        for extra in names[1:]:
            self.problem(("quantizers", str(extra)), "only one quantizer is allowed in a schedule")

    def policies(self, raw: Mapping[str, Any], components: list[Component]) -> list[PolicySpec]:
        entries = raw.get("policies") or []
        if not isinstance(entries, list | tuple):
            self.problem(("policies",), "must be a list")
            return []
        defined = {(self.subjects[part.section], part.name) for part in components}
        # names of components that failed are not reported a second time as undefined
        for section, subject in self.subjects.items():
            section_raw = raw.get(section)
            if isinstance(section_raw, Mapping):
                defined |= {(subject, str(name)) for name in section_raw}
        found = [self.policy(("policies", i), entry, defined) for i, entry in enumerate(entries)]
        return [policy for policy in found if policy is not None]

    def policy(
        self, path: TreePath, entry: Any, defined: set[tuple[str, str]]
    ) -> PolicySpec | None:
        known = tuple(self.subjects.values())
        if not isinstance(entry, Mapping):
            self.problem(path, "must be a mapping")
            return None
        chosen = [key for key in entry if key in known]
        for key in entry:
            if key not in (*known, *_TIMES, "epochs"):
                self.problem(
                    (*path, str(key)),
                    f"unknown key: {nearest(str(key), (*known, *_TIMES, 'epochs'))}",
                )
        if len(chosen) != 1:
            self.problem(path, f"needs exactly one of {', '.join(known)}")
            return None
        subject = str(chosen[0])
        active = self.active_epochs(path, entry)
        body = entry[subject]
        instance = self.instance((*path, subject), body, subject, defined)
        given = self.policy_args((*path, subject), body, subject)
        kind = POLICIES.get(subject)
        arguments = self.typed((*path, subject, "args"), given, kind)
        if active is None or instance is None or arguments is None:
            return None
        return PolicySpec(subject, instance, arguments, active, tuple(given), path)

    def instance(
        self, path: TreePath, body: Any, subject: str, defined: set[tuple[str, str]]
    ) -> str | None:
        if not isinstance(body, Mapping) or "instance_name" not in body:
            self.problem(path, "must be a mapping with the key instance_name")
            return None
        for key in body:
            if key in (*_TIMES, "epochs"):
                self.problem((*path, str(key)), f"belongs one level up, beside {subject}")
            elif key not in ("instance_name", "args"):
                self.problem(
                    (*path, str(key)),
                    f"unknown key: {nearest(str(key), ('instance_name', 'args'))}",
                )
        name = str(body["instance_name"])
        if (subject, name) not in defined:
            known = [instance for kind, instance in defined if kind == subject]
            self.problem(
                (*path, "instance_name"), f"no {subject} is called {name!r}: {nearest(name, known)}"
            )
            return None
        return name

    def policy_args(self, path: TreePath, body: Any, subject: str) -> dict[str, Any]:
        given = body.get("args") if isinstance(body, Mapping) else None
        if not given:
            return {}
        path = (*path, "args")
        if not isinstance(given, Mapping):
            self.problem(path, "must be a mapping")
            return {}
        if not POLICIES.get(subject).fields():
            self.problem(path, f"a {subject} takes no args here")
            return {}
        return {str(key): value for key, value in given.items()}

    def active_epochs(self, path: TreePath, entry: Mapping[str, Any]) -> ActiveEpochs | None:
        listed = "epochs" in entry
        keys = ("epochs",) if listed else _TIMES
        missing = [key for key in keys if key not in entry]
        if missing:
            self.problem(path, f"{', '.join(missing)} missing; give epochs, or {', '.join(_TIMES)}")
            return None
        if listed and any(key in entry for key in _TIMES):
            self.warn(path, "epochs is given, so the epoch range is not read")
        try:
            if listed:
                return epoch_list(list_of(integer(0))(entry["epochs"]))
            start, end, frequency = (integer()(entry[key]) for key in _TIMES)
            return epoch_range(start, end, frequency)
        except ValueError as error:
            self.problem(path, str(error))
            return None
