"""YAML with the line of every value, so that an error can say where in the file it is.

PyYAML's safe loader does the parsing; only the composed nodes are walked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import ReaderError

from vcc.config.yaml_files.strict import GrowingYamlError, check_size
from vcc.errors import ScheduleError, one_line

# where a value stands: ("policies", 0, "pruner", "instance_name")
TreePath = tuple[str | int, ...]


@dataclass(frozen=True)
class Tree:
    """A parsed document: its value, the line of each path, and keys that appeared twice."""

    value: Any
    source: str
    lines: Mapping[TreePath, int] = field(default_factory=dict)
    repeated: tuple[TreePath, ...] = ()

    def line(self, path: TreePath) -> int | None:
        """Return the line of `path`, or of the closest parent that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def describe_path(path: TreePath) -> str:
    """Return a path as people write it: `policies[0].pruner.instance_name`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "top level"


def read_tree(path: Path) -> Tree:
    """Parse a YAML file.

    Raises:
        ScheduleError: the file is missing or is not valid YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        msg = f"{path}: no such schedule file"
        raise ScheduleError(msg) from None
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot read the schedule: {error}"
        raise ScheduleError(msg) from error
    return parse_tree(text, str(path))


def parse_tree(text: str, source: str) -> Tree:
    """Parse YAML text that came from `source`.

    Raises:
        ScheduleError: the text is not valid YAML, or grows by its references.
    """
    try:
        loader = yaml.SafeLoader(text)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        msg = f"{source}:{line}: not valid YAML: a character that may not stand there; remove it"
        raise ScheduleError(msg) from error
    try:
        node = loader.get_single_node()
        if node is not None:
            check_size(node)
        walker = _Walker(loader)
        value = walker.walk(node, ()) if node is not None else {}
    except GrowingYamlError as error:
        msg = f"{source}: {error}"
        raise ScheduleError(msg) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}:{mark.line + 1}" if mark is not None else source
        reason = getattr(error, "problem", None) or one_line(error)
        msg = f"{where}: not valid YAML: {reason}; check the indentation there"
        raise ScheduleError(msg) from error
    finally:
        loader.dispose()
    return Tree(value, source, walker.lines, tuple(walker.repeated)) if node else Tree({}, source)


class _Walker:
    def __init__(self, loader: yaml.SafeLoader) -> None:
        self.loader = loader
        self.lines: dict[TreePath, int] = {}
        self.repeated: list[TreePath] = []

    def walk(self, node: yaml.Node, path: TreePath) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.walk(item, (*path, i)) for i, item in enumerate(node.value)]
        return self.loader.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, path: TreePath) -> dict[str, Any]:
        self.loader.flatten_mapping(node)
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            # keys keep their spelling: a layer named 0 or `on` is still a name
            key = str(key_node.value)
            inner = (*path, key)
            if key in mapping:
                self.repeated.append(inner)
            self.lines[inner] = key_node.start_mark.line + 1
            mapping[key] = self.walk(value_node, inner)
        return mapping
