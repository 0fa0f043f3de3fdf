"""Short names of networks, such as `resnet18a` and `mobilenetv2-0.5`, as they are written.

The family comes first, then its own options as they say in their declaration, then the width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vcc.config.networks.builders import builder_name, is_builder
from vcc.config.networks.family import FAMILIES, own_options
from vcc.config.options import field_types


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


def _spelling(field: Any) -> str:
    return field.metadata["short"] or f"-{field.name}{{}}"


def _text(value: Any, hint: Any) -> str:
    return str(float(value) if hint is float else value).lower()
