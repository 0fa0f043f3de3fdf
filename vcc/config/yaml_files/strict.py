"""YAML mappings in which no key stands twice: YAML's own reader keeps the last one in silence."""

from __future__ import annotations

from typing import Any

import yaml

from vcc.errors import ConfigError, one_line


class _StrictLoader(yaml.SafeLoader):
    """Refuses a mapping with a key that stands there twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is not None and key in seen:
                raise _RepeatedKeyError(key, line, seen[key])
            seen[key] = line
        return super().construct_mapping(node, deep)


class _RepeatedKeyError(ValueError):
    def __init__(self, key: Any, line: int, first: int) -> None:
        super().__init__(f"line {line}: {key!r} stands there twice, first in line {first}")


def read_yaml(text: str, *, where: str, problem: str = "not valid YAML") -> Any:
    """Return what YAML text says.

    Args:
        text: of the file.
        where: the file, for messages.
        problem: what to call it when it cannot be taken.

    Raises:
        ConfigError: it is not YAML, or a mapping has a key twice.
    """
    try:
        return yaml.load(text, _StrictLoader)  # noqa: S506 - made from the safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # ValueError: a key twice, not text, or a date or a number that is none.
        msg = f"{where}: {problem}: {one_line(error)}"
        raise ConfigError(msg) from None


def line_of(text: str, key: str) -> int | None:
    """Return the line, from 1, of a top-level key of YAML text that `read_yaml` took."""
    node = yaml.compose(text, yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        return None
    lines = {name.value: name.start_mark.line + 1 for name, _ in node.value}
    return lines.get(key)
