"""Short names of networks, such as `resnet18a` and `mobilenetv2-0.5`, written and read.

The family comes first, then its own options as they say in their declaration, then the width.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vcc.config.networks.builders import builder_name, is_builder
from vcc.config.networks.family import FAMILIES, FamilyOptions, own_options
from vcc.config.options import field_types

_VALUES = {int: r"\d+", float: r"\d+(?:\.\d+)?", str: r"[^-]+", bool: "true|false"}


def short_name(family: str, options: Mapping[str, Any]) -> str:
    """Return the short name of a network, with its options spelled out.

    Args:
        family: a registered name, or a builder's.
        options: by name; those that are missing are left out of the name.

    Raises:
        ModelError: nobody registered the family.
    """
    if is_builder(family):
        return builder_name(family, options.get("model_args", {}))
    cls = FAMILIES.get(family)
    hints = field_types(cls)
    parts = [
        _spelling(field).format(_text(options[field.name], hints[field.name]))
        for field in own_options(cls)
        if field.name in options
        and (field.metadata["always"] or options[field.name] != field.default)
    ]
    width = float(options.get("width_mult", 1.0))
    if width != 1.0 or cls.known_by_width:
        parts.append(f"-{width}")
    return family + "".join(parts)


def read_short_name(name: str, family: str) -> dict[str, Any] | None:
    """Return the options that a short name spells out, or None if it is of another family.

    An option that is left out has its default where that is what leaving it out means, and is
    missing from the result otherwise. Texts come in lower case.

    Raises:
        ModelError: nobody registered the family.
    """
    cls = FAMILIES.get(family)
    found = re.fullmatch(re.escape(family) + _pattern(cls), name)
    if found is None:
        return None
    hints = field_types(cls)
    options: dict[str, Any] = {"width_mult": float(found["width_mult"] or 1.0)}
    for field in own_options(cls):
        text = found[field.name]
        if text is not None:
            options[field.name] = _value(text, hints[field.name])
        elif not field.metadata["always"]:
            options[field.name] = field.default
    return options


def _pattern(cls: type[FamilyOptions]) -> str:
    hints = field_types(cls)
    pattern = ""
    for field in own_options(cls):
        before, after = map(re.escape, _spelling(field).split("{}"))
        values = _values(field, hints[field.name])
        pattern += f"(?:{before}(?P<{field.name}>{values}){after})?"
    return pattern + rf"(?:-(?P<width_mult>{_VALUES[float]}))?"


def _values(field: Any, hint: Any) -> str:
    choices = field.metadata["choices"]
    if hint is str and choices:
        return "|".join(re.escape(_text(choice, hint)) for choice in choices)
    return _VALUES[hint]


def _spelling(field: Any) -> str:
    return field.metadata["short"] or f"-{field.name}{{}}"


def _text(value: Any, hint: Any) -> str:
    return str(float(value) if hint is float else value).lower()


def _value(text: str, hint: Any) -> Any:
    return text == "true" if hint is bool else hint(text)
