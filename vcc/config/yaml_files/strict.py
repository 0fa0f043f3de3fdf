"""YAML mappings in which no key stands twice: YAML's own reader keeps the last one in silence.

A document whose parts refer to each other (`&name`, `*name`) can stand for more than any memory
holds: what it comes to is counted before anything is made of it.
"""

from __future__ import annotations

from typing import Any

import yaml

from vcc.errors import ConfigError, one_line

# What a document may come to: no gate, study or schedule has a hundredth of it.
_MOST_NODES = 100_000


class GrowingYamlError(ValueError):
    """A document that is small only as long as nobody follows its references."""


def check_size(node: yaml.Node) -> None:
    """Refuse a document that is too large once its references are followed.

    Args:
        node: its top, as a loader's `get_single_node` gives it.

    Raises:
        GrowingYamlError: it has too many parts, or one that refers to itself.
    """
    if _size(node, {}) > _MOST_NODES:
        msg = f"its references come to more than {_MOST_NODES} values: write out what is meant"
        raise GrowingYamlError(msg)


def _size(node: yaml.Node, known: dict[int, int | None]) -> int:
    """Return how many values a node comes to; `known` has those counted, None for those begun."""
    if id(node) not in known:
        known[id(node)] = None
        known[id(node)] = 1 + sum(_size(part, known) for part in _parts(node))
    found = known[id(node)]
    if found is None:
        msg = f"line {node.start_mark.line + 1}: a value refers to itself"
        raise GrowingYamlError(msg)
    return found


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


class _StrictLoader(yaml.SafeLoader):
    """Refuses a mapping with a key that stands there twice, and a document that grows."""

    def get_single_node(self) -> yaml.Node | None:
        node: yaml.Node | None = super().get_single_node()
        if node is not None:
            check_size(node)
        return node

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
        ConfigError: it is not YAML, a mapping has a key twice, or it grows by its references.
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
