"""Options as frozen dataclasses: one declaration gives type, default, range and help.

`Options` checks its values when it is made, whoever makes it (command line, YAML or Python), so
nothing below the edge of the program sees a value out of range.
"""

from __future__ import annotations

import dataclasses
import math
import operator
import os
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, Union

from vcc.errors import ConfigError, nearest

# Of a name in a path, bytes: file systems take no more; files beside a file are named after it.
_LONGEST = 255
_LONGEST_FILE = 200
# Of a path in a message, characters.
_SHOWN = 200
# NumPy's generators take no more.
LARGEST_SEED = 2**32 - 1


def option(
    default: Any,
    help_text: str,
    *,
    choices: tuple[Any, ...] = (),
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    is_input: bool = False,
) -> Any:
    """Declare one option of an `Options` class.

    Args:
        default: its value when nobody sets it; immutable.
        help_text: one line with the unit and what the default means.
        choices: the only values allowed.
        at_least: smallest value allowed.
        above: bound that the value must exceed.
        at_most: largest value allowed.
        is_input: whether it names a file or folder that must be there: see `check_inputs`.
    """
    limits = {"at_least": at_least, "above": above, "at_most": at_most}
    metadata = {"help": help_text, "choices": choices, "limits": limits, "is_input": is_input}
    return dataclasses.field(default=default, metadata=metadata)


def check_inputs(options: Options) -> None:
    """Look for the files and folders that options name, before anything slow is begun.

    Raises:
        ConfigError: one is not there.
    """
    for field in dataclasses.fields(options):
        path = getattr(options, field.name)
        if field.metadata.get("is_input") and path is not None and not os.path.lexists(path):
            where = "" if path.is_absolute() else f" in {Path.cwd()}"
            msg = f"{field.name}: there is no file or folder {path}{where}"
            raise ConfigError(msg)


def check_outputs(options: Options) -> None:
    """See that what options name can be written, before anything slow is begun; nothing is made.

    Raises:
        ConfigError: a name is too long, a file is in the way, or the place may not be written to.
    """
    files = options.files_written()
    for name in (*options.folders_written(), *files):
        path = getattr(options, name)
        problem = _no_name(path, at_most=_LONGEST_FILE if name in files else _LONGEST)
        problem = problem or _not_writable(path, is_file=name in files)
        if problem:
            msg = f"{name}: {str(path)[:_SHOWN]} cannot be written: {problem}"
            raise ConfigError(msg)


def _no_name(path: Path, *, at_most: int) -> str:
    part = max(path.parts, key=lambda part: len(os.fsencode(part)), default="")
    length = len(os.fsencode(part))
    return f"{part[:20]!r}... has {length} bytes, at most {at_most}" if length > at_most else ""


def _not_writable(path: Path, *, is_file: bool) -> str:
    """Return why a file or folder cannot be made or written to, "" where it can."""
    if is_file and path.is_dir():
        return "it is a folder, where a file is wanted"
    there = path.parent if is_file else path
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if not there.is_dir():
        return f"{str(there)[:_SHOWN]} is no folder"
    if not os.access(there, os.W_OK | os.X_OK):
        return f"{str(there)[:_SHOWN]} may not be written to"
    return ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Base of every options class: values are checked against their declaration.

    Raises:
        ConfigError: a value has the wrong type, is not finite, is not among the choices or is out
            of range.
    """

    def __post_init__(self) -> None:
        hints = field_types(type(self))
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is None and not _may_be_none(hints[field.name]):
                msg = (
                    f"{field.name}: null is not {describe_type(hints[field.name])}, and it cannot "
                    f"be left unset; {field.metadata.get('help', '')}"
                )
                raise ConfigError(msg)
            if value is not None and not _has_type(value, hints[field.name]):
                msg = (
                    f"{field.name}: {value!r} is not {describe_type(hints[field.name])}; "
                    f"{field.metadata.get('help', '')}"
                )
                raise ConfigError(msg)
            if value is not None:
                _check_value(field, value)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, where: str) -> Self:
        """Make options from a mapping such as a YAML file's, refusing unknown keys.

        Args:
            mapping: option name to value.
            where: what the mapping is, for messages: a file or a dotted path in one.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for key in mapping:
            if key not in known:
                msg = f"{where}: unknown key {key!r}: {nearest(str(key), known)}"
                raise ConfigError(msg)
        return cls(**mapping)

    def folders_written(self) -> tuple[str, ...]:
        """Return the options that name a folder in which the entry point writes."""
        return ()

    def files_written(self) -> tuple[str, ...]:
        """Return the options that name a file that the entry point writes."""
        return ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON types only, in declaration order."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    def pick(self, cls: type[OptionsT]) -> OptionsT:
        """Return the part of these options that `cls` declares."""
        return cls(**{field.name: getattr(self, field.name) for field in dataclasses.fields(cls)})


OptionsT = typing.TypeVar("OptionsT", bound=Options)


def field_types(cls: type[Options]) -> dict[str, Any]:
    """Return option name to its resolved type annotation."""
    return typing.get_type_hints(cls)


def without_none(hint: Any) -> Any:
    """Return `X` for `X | None`, and anything else as it is."""
    if typing.get_origin(hint) in (Union, types.UnionType):
        members = [member for member in typing.get_args(hint) if member is not type(None)]
        return members[0]
    return hint


def _may_be_none(hint: Any) -> bool:
    return type(None) in typing.get_args(hint)


def describe_type(hint: Any) -> str:
    """Return a type as a message names it: "a whole number", "a list of numbers", ..."""
    hint = without_none(hint)
    names = {int: "whole number", float: "number", bool: "true or false", str: "text"}
    if typing.get_origin(hint) is tuple:
        return f"a list of {names.get(typing.get_args(hint)[0], 'text')}s"
    if hint is bool:
        return names[bool]
    return f"a {names.get(hint, 'path')}"


def _has_type(value: Any, hint: Any) -> bool:
    hint = without_none(hint)
    if typing.get_origin(hint) is tuple:
        member = typing.get_args(hint)[0]
        return isinstance(value, tuple) and all(_has_type(item, member) for item in value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)


def _check_value(field: dataclasses.Field[Any], value: Any) -> None:
    choices = field.metadata.get("choices", ())
    members = value if isinstance(value, tuple) else (value,)
    for member in members:
        if isinstance(member, float) and not math.isfinite(member):
            msg = f"{field.name}: {member} is out of range: it must be a finite number"
            raise ConfigError(msg)
        if choices and member not in choices:
            msg = f"{field.name}: {member!r} is not one of {', '.join(map(str, choices))}"
            if isinstance(member, str):
                msg += f": {nearest(member, map(str, choices))}"
            raise ConfigError(msg)
        _check_limits(field, member)


def _check_limits(field: dataclasses.Field[Any], value: Any) -> None:
    limits = field.metadata.get("limits", {})
    rules = (
        ("at_least", operator.ge, "at least"),
        ("above", operator.gt, "more than"),
        ("at_most", operator.le, "at most"),
    )
    for key, holds, words in rules:
        limit = limits.get(key)
        if limit is not None and not holds(value, limit):
            msg = f"{field.name}: {value} is out of range: it must be {words} {limit:.10g}"
            raise ConfigError(msg)


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
