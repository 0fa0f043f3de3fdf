"""YAML or a mapping to a `Schedule`, reporting every error of the file at once.

What Distiller's own schedules contain (a bare name where a list belongs, `epochs` beside a range)
and a key that appears twice are accepted with a warning; whatever is unknown is an error.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vcc.compression.schedule.clips import CLIP_FIELDS
from vcc.compression.schedule.dialect import classes
from vcc.compression.schedule.epochs import ActiveEpochs, epoch_list, epoch_range
from vcc.compression.schedule.fields import (
    Field,
    boolean,
    integer,
    is_finite,
    list_of,
    mapping,
    number,
    table,
)
from vcc.compression.schedule.schedule import (
    SECTIONS,
    SUBJECTS,
    Component,
    PolicySpec,
    Schedule,
    freeze,
)
from vcc.compression.schedule.yaml_tree import Tree, TreePath, describe_path, read_tree
from vcc.errors import ScheduleError, nearest, one_line

log = logging.getLogger(__name__)

_TIMES = ("starting_epoch", "ending_epoch", "frequency")
_POLICY_ARGS: dict[str, dict[str, Field]] = {
    "pruner": {
        "levels": Field(table(number(at_least=0, at_most=1)), None),
        "mask_on_forward_only": Field(boolean, False),
        "keep_mask": Field(boolean, False),
        "use_double_copies": Field(boolean, False),
        "mask_gradients": Field(boolean, False),
        "mini_batch_pruning_frequency": Field(integer(0), 0),
        "discard_masks_at_minibatch_end": Field(boolean, False),
        "skip_first_minibatch": Field(boolean, False),
        "fold_batchnorm": Field(boolean, False),
    },
    "regularizer": {"keep_mask": Field(boolean, False)},
}


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
        components = [part for section in SECTIONS for part in self.components(raw, section)]
        self.check_quantizers(components)
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
        known = ("version", "clips", *SECTIONS, "policies")
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
        args = self.arguments(path, given, spec.fields)
        self.check_component(path, args)
        return Component(section, name, class_name, freeze(args), path)

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

    def check_component(self, path: TreePath, args: Mapping[str, Any]) -> None:
        low, high = args.get("initial_sparsity"), args.get("final_sparsity")
        if low is not None and high is not None and not high > low:
            self.problem(path, f"final_sparsity {high} must exceed initial_sparsity {low}")
        kwargs = args.get("kwargs")
        blocks = args.get("group_type") == "Blocks"
        if blocks and not (isinstance(kwargs, Mapping) and _is_block(kwargs.get("block_shape"))):
            self.problem(
                path, "group_type Blocks needs kwargs: {block_shape: [repetitions, depth, 1, 1]}"
            )
        if (
            "milestones" in args
            and "gammas" in args
            and len(args["milestones"]) != len(args["gammas"])
        ):
            self.problem(path, "milestones and gammas must have the same length")

    def check_quantizers(self, components: list[Component]) -> None:
        quantizers = [part for part in components if part.section == "quantizers"]
        for extra in quantizers[1:]:
            self.problem(extra.path, "only one quantizer is allowed in a schedule")

    def policies(self, raw: Mapping[str, Any], components: list[Component]) -> list[PolicySpec]:
        entries = raw.get("policies") or []
        if not isinstance(entries, list | tuple):
            self.problem(("policies",), "must be a list")
            return []
        defined = {(SUBJECTS[part.section], part.name) for part in components}
        # names of components that failed are not reported a second time as undefined
        for section in SECTIONS:
            section_raw = raw.get(section)
            if isinstance(section_raw, Mapping):
                defined |= {(SUBJECTS[section], str(name)) for name in section_raw}
        found = [self.policy(("policies", i), entry, defined) for i, entry in enumerate(entries)]
        return [policy for policy in found if policy is not None]

    def policy(
        self, path: TreePath, entry: Any, defined: set[tuple[str, str]]
    ) -> PolicySpec | None:
        subjects = tuple(SUBJECTS.values())
        if not isinstance(entry, Mapping):
            self.problem(path, "must be a mapping")
            return None
        chosen = [key for key in entry if key in subjects]
        for key in entry:
            if key not in (*subjects, *_TIMES, "epochs"):
                self.problem(
                    (*path, str(key)),
                    f"unknown key: {nearest(str(key), (*subjects, *_TIMES, 'epochs'))}",
                )
        if len(chosen) != 1:
            self.problem(path, f"needs exactly one of {', '.join(subjects)}")
            return None
        subject = str(chosen[0])
        active = self.active_epochs(path, entry)
        body = entry[subject]
        instance = self.instance((*path, subject), body, subject, defined)
        args = self.policy_args((*path, subject), body, subject)
        if active is None or instance is None:
            return None
        return PolicySpec(subject, instance, freeze(args), active, path)

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
        fields = _POLICY_ARGS.get(subject)
        if fields is None:
            self.problem(path, f"a {subject} takes no args here")
            return {}
        args = self.arguments(path, {str(key): value for key, value in given.items()}, fields)
        if args.get("mask_gradients") and not args.get("mask_on_forward_only"):
            self.problem(path, "mask_gradients needs mask_on_forward_only: true")
        return args

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


def _is_block(shape: Any) -> bool:
    if not isinstance(shape, list | tuple) or len(shape) < 2:
        return False
    whole = all(isinstance(size, int) and size > 0 for size in shape)
    return whole and all(size == 1 for size in shape[2:])
