"""A family of networks as the command line sees it: its options, checked, without its layers.

Families register here, from `vcc.models.families` and by the entry points `vcc.networks` of other
packages.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, ClassVar

from vcc.config.options import Options, describe_type, field_types, option
from vcc.errors import ModelError
from vcc.registry import Registry


def family_option(
    default: Any, help_text: str, *, short: str = "", always: bool = False, **limits: Any
) -> Any:
    """Declare an option of one family.

    Args:
        default: its value when nobody sets it.
        help_text: one line.
        short: how it is spelled behind the family in the short name of a network, with {} for the
            value: `-c{}` makes `resnext50b-c16`. By default `-NAME{}`.
        always: spell the default value, too.
        **limits: choices, at_least, above and at_most, as of `option`.
    """
    declared = option(default, help_text, **limits)
    metadata = {**declared.metadata, "short": short, "always": always}
    return dataclasses.field(default=default, metadata=metadata)


def dropout_option(default: float) -> Any:
    """Declare a family's `dropout` where its default is not 0."""
    return option(
        default, "share of the head's inputs dropped in training", at_least=0, at_most=0.99
    )


@dataclass(frozen=True, kw_only=True)
class FamilyOptions(Options):
    """The options of every family; its own are fields of a subclass.

    Attributes:
        width_mult: factor on channels.
        dropout: share from 0 to 0.99.
        known_by_width: whether the short name gives the width, even where it is 1.

    Raises:
        ModelError: a value has the wrong type, is not among the choices or is out of range.
    """

    known_by_width: ClassVar[bool] = False

    width_mult: float = option(
        1.0, "factor on the channels of every layer", at_least=1 / 16, at_most=16
    )
    dropout: float = dropout_option(0.0)

    def __post_init__(self) -> None:
        hints = field_types(type(self))
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            problem = _problem(field, hints[field.name], value)
            if problem:
                msg = f"{field.name} {value!r} is not {problem}"
                raise ModelError(msg)

    def as_dict(self) -> dict[str, Any]:
        """Return every option, the family's own first."""
        names = [field.name for field in own_options(type(self))]
        return {name: getattr(self, name) for name in (*names, *_COMMON)}


_COMMON = tuple(field.name for field in dataclasses.fields(FamilyOptions))

FAMILIES: Registry[type[FamilyOptions]] = Registry(
    "model",
    group="vcc.networks",
    rooms=("vcc.models.families", "vcc.models.families.pytorchvideo"),
    error=ModelError,
)


def own_options(family: type[FamilyOptions]) -> tuple[dataclasses.Field[Any], ...]:
    """Return the options that not every family has, in the order of their declaration."""
    return tuple(field for field in dataclasses.fields(family) if field.name not in _COMMON)


def option_names(family: type[FamilyOptions]) -> tuple[str, ...]:
    """Return the names of all options of a family, its own first."""
    return (*(field.name for field in own_options(family)), *_COMMON)


def _problem(field: dataclasses.Field[Any], hint: Any, value: Any) -> str:
    choices = field.metadata["choices"]
    if choices:
        return "" if value in choices else f"one of {', '.join(map(str, choices))}"
    limits = field.metadata["limits"]
    if _is_of(value, hint) and _is_within(value, **limits):
        return ""
    return describe_type(hint) + _limits_text(**limits)


def _is_of(value: Any, hint: Any) -> bool:
    if hint is float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and math.isfinite(value)
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))


def _is_within(
    value: Any, *, at_least: float | None, above: float | None, at_most: float | None
) -> bool:
    is_low = at_least is not None and value < at_least
    is_low = is_low or (above is not None and value <= above)
    return not is_low and not (at_most is not None and value > at_most)


def _limits_text(*, at_least: float | None, above: float | None, at_most: float | None) -> str:
    if at_least is not None and at_most is not None:
        return f" between {at_least:g} and {at_most:g}"
    texts = (("at least", at_least), ("more than", above), ("at most", at_most))
    found = [f"{words} {limit:g}" for words, limit in texts if limit is not None]
    return f" of {' and '.join(found)}" if found else ""
