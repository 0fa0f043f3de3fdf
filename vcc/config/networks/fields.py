"""The options of all families as fields of options classes: the command line takes them at once.

An option that several families have is one field. Its limits are those that they agree on: what a
single family refuses is found when the network is built.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

from vcc.config.networks.family import FAMILIES, FamilyOptions, own_options
from vcc.config.options import Options, field_types, option
from vcc.errors import ConfigError

DEFAULT_FAMILY = "resnet"
OptionsT = TypeVar("OptionsT", bound=Options)


@dataclasses.dataclass(frozen=True)
class _Declared:
    """One family's declaration of an option."""

    family: str
    kind: type
    field: dataclasses.Field[Any]


def known_families() -> tuple[tuple[str, type[FamilyOptions]], ...]:
    """Return names and classes of the families that can be loaded.

    A package that cannot be is told of when a network is asked for: options classes are made before
    anything catches an error.
    """
    try:
        return FAMILIES.items()
    except ConfigError:
        return FAMILIES.loaded()


def family_names() -> tuple[str, ...]:
    """Return the names of the families that can be loaded, in alphabetical order."""
    return tuple(sorted(name for name, _ in known_families()))


def dropout_help() -> str:
    """Return the help of `dropout`, with what each family does when it is not set."""
    defaults: dict[float, list[str]] = {}
    for name, family in known_families():
        if family.dropout:
            defaults.setdefault(family.dropout, []).append(name)
    told = [f"{share:g} for {', '.join(names)}" for share, names in sorted(defaults.items())]
    meaning = next(f for f in dataclasses.fields(FamilyOptions) if f.name == "dropout")
    return f"{meaning.metadata['help']}; not set: {'; '.join([*told, 'else 0'])}"


def with_family_options(
    *, after: str, prefix: str = "", told: str = "{families}: {help}", unset: bool = False
) -> Callable[[type[OptionsT]], type[OptionsT]]:
    """Return a decorator that adds a field for every family's own options.

    It is applied before `dataclass`.

    Args:
        after: the field of the class that they follow.
        prefix: begins the names of the fields, such as `t_`.
        told: their help, from the families that have the option and their help of it.
        unset: whether they are unset by default, not a family's default.
    """

    def add(cls: type[OptionsT]) -> type[OptionsT]:
        kinds: dict[str, Any] = {}
        for name, declared in _by_name().items():
            kind = declared[0].kind
            kinds[prefix + name] = kind | None if unset else kind
            setattr(cls, prefix + name, _joined(declared, told=told, unset=unset))
        own = cls.__annotations__
        at = list(own).index(after) + 1
        names = [*list(own)[:at], *kinds, *list(own)[at:]]
        # What dataclass makes fields of, in this order.
        cls.__annotations__ = {name: kinds.get(name, own.get(name)) for name in names}
        return cls

    return add


def _by_name() -> dict[str, list[_Declared]]:
    found: dict[str, list[_Declared]] = {}
    for family, cls in known_families():
        hints = field_types(cls)
        for field in own_options(cls):
            declared = _Declared(family, hints[field.name], field)
            found.setdefault(field.name, []).append(declared)
    for name, several in found.items():
        if len({each.kind for each in several}) > 1:
            families = ", ".join(each.family for each in several)
            msg = f"the option {name} has different types in the families {families}"
            raise ValueError(msg)
    return found


def _joined(declared: list[_Declared], *, told: str, unset: bool) -> Any:
    default = next((each for each in declared if each.family == DEFAULT_FAMILY), declared[0])
    families = ", ".join(each.family for each in declared)
    metadata = [each.field.metadata for each in declared]
    first = metadata[0]
    are_choices = all(each["choices"] == first["choices"] for each in metadata)
    are_limits = all(each["limits"] == first["limits"] for each in metadata)
    return option(
        None if unset else default.field.default,
        told.format(families=families, help=first["help"]),
        choices=first["choices"] if are_choices else (),
        **(first["limits"] if are_limits else {}),
    )
