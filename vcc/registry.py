"""The one way to register a part: by a decorator beside its code, from inside vcc or outside it.

A part is a pruner, a regularizer, a quantizer, a policy, a network family, a runtime or a form of
labels. Whatever names parts (schedules, options, messages, docs) reads its registry, so that a part
is known everywhere once its module exists. Another package registers parts by an entry point of the
registry's group, which names a module that uses the same decorator when it is imported.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from vcc.errors import ConfigError, VccError, nearest, one_line, printable

PartT = TypeVar("PartT")


class Registry(Generic[PartT]):
    """Parts of one kind by name, those of other packages included.

    The modules of `rooms` are imported when a part is first asked for, and then those that the
    entry points of `group` name. Names are kept in the order of registration.

    Args:
        noun: what a part is called in messages, such as `pruner`.
        group: the entry-point group of other packages, such as `vcc.pruners`.
        rooms: packages or modules of vcc whose modules register parts.
        error: raised for a name that nobody registered.
    """

    def __init__(
        self, noun: str, *, group: str, rooms: tuple[str, ...], error: type[VccError] = ConfigError
    ) -> None:
        self.noun, self.group = noun, group
        self._rooms, self._error = rooms, error
        self._parts: dict[str, PartT] = {}
        self._is_loaded = False

    def add(self, name: str, part: PartT) -> PartT:
        """Register a part.

        Raises:
            ValueError: if another part has that name.
        """
        if self._parts.setdefault(name, part) is not part:
            msg = f"two {self.noun}s are named {name!r}"
            raise ValueError(msg)
        return part

    def register(self, name: str) -> Callable[[PartT], PartT]:
        """Return a decorator that registers what it decorates under `name`."""
        return lambda part: self.add(name, part)

    def names(self) -> tuple[str, ...]:
        """Return the names of all parts."""
        self._load()
        return tuple(self._parts)

    def get(self, name: str, where: str = "") -> PartT:
        """Return the part of a name.

        Args:
            name: as registered.
            where: what names the part, such as `pruners.mine.class`; begins the message.

        Raises:
            VccError: of the registry's kind, with the nearest names, if there is no such part.
        """
        self._load()
        if name not in self._parts:
            start = f"{where}: " if where else ""
            close = nearest(name, self._parts)
            msg = f"{start}unknown {self.noun} {printable(name)!r}: {close}"
            raise self._error(msg)
        return self._parts[name]

    def items(self) -> tuple[tuple[str, PartT], ...]:
        """Return the names and the parts."""
        self._load()
        return tuple(self._parts.items())

    def loaded(self) -> tuple[tuple[str, PartT], ...]:
        """Return the names and the parts that are registered so far; nothing is imported."""
        return tuple(self._parts.items())

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def _load(self) -> None:
        if self._is_loaded:
            return
        # Set first: a module may read the registry that it is being loaded for.
        self._is_loaded = True
        try:
            for room in self._rooms:
                _import_room(room)
            for entry in entry_points(group=self.group):
                _import_entry(entry, self.noun)
        except BaseException:
            self._is_loaded = False
            raise


def _import_room(name: str) -> None:
    room = importlib.import_module(name)
    for module in pkgutil.iter_modules(getattr(room, "__path__", ())):
        importlib.import_module(f"{name}.{module.name}")


def _import_entry(entry: EntryPoint, noun: str) -> None:
    try:
        entry.load()
    except Exception as error:
        package = entry.dist.name if entry.dist else "?"
        problem = one_line(error)
        msg = (
            f"the {noun} {entry.name!r} of the package {package!r} cannot be loaded ({problem}); "
            "mend that package or uninstall it"
        )
        raise ConfigError(msg) from error
