"""Arguments of what a schedule names, as frozen dataclasses that check their values.

A class declares each of its arguments by `argument`. The loader, the reference and the guides read
these declarations; whoever acts by the arguments gets the dataclass.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from vcc.compression.schedule.fields import REQUIRED, Checker, Field
from vcc.compression.schedule.frozen import freeze
from vcc.errors import ScheduleError


def argument(check: Checker, default: Any = REQUIRED, help_text: str = "") -> Any:
    """Declare one argument of an `Arguments` class.

    Args:
        check: returns the accepted value, or raises ValueError with half a sentence.
        default: its value when the schedule does not give it; without one it must be given.
        help_text: what it means, in a line; begins with `extension` where Distiller had no such
            argument.
    """
    metadata = {"argument": Field(check, default, help_text)}
    if default is REQUIRED:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Base of every class of arguments; the first paragraph of a docstring says what the part does.

    Values are checked whoever makes them, and are read-only: lists become tuples.

    Raises:
        ScheduleError: a value is out of range, or two of them do not go together.
    """

    def __post_init__(self) -> None:
        for name, field in self.fields().items():
            value = getattr(self, name)
            if value is field.default:
                continue
            try:
                object.__setattr__(self, name, freeze(field.check(value)))
            except ValueError as error:
                msg = f"{name}: {error}"
                raise ScheduleError(msg) from None
        for words in self.conflicts({name: getattr(self, name) for name in self.fields()}):
            raise ScheduleError(words)

    @classmethod
    def fields(cls) -> dict[str, Field]:
        """Return the arguments by name, in the order of their declaration."""
        return {field.name: field.metadata["argument"] for field in dataclasses.fields(cls)}

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        """Yield what does not go together.

        Args:
            given: values that are accepted one by one; those that were not, or were not given, are
                missing, so that all that is wrong with a file is told at once.
        """
        yield from ()

    def build(self, site: Any) -> Any:
        """Return what policies use: what the arguments mean for a network, or themselves.

        Args:
            site: the network and the part's place in the file, a `vcc.compression.binding.Site`.
        """
        return self

    def chosen(self) -> dict[str, Any]:
        """Return the values that differ from their defaults."""
        values = {name: getattr(self, name) for name in self.fields()}
        defaults = {name: field.default for name, field in self.fields().items()}
        return {name: value for name, value in values.items() if value != defaults[name]}


@dataclass(frozen=True, kw_only=True)
class FilterShare(Arguments, abc.ABC):
    """Arguments of a pruner that can be told, group by group, which share of filters goes."""

    # whether its scores rank the filters of a coupled group as one, to a share that is known before
    can_be_directed: ClassVar[bool] = True

    @abc.abstractmethod
    def ranks_filters(self) -> bool:
        """Return whether it is filters that it prunes."""

    @abc.abstractmethod
    def listed(self) -> tuple[str, ...]:
        """Return the weights that it may prune, by name or selector."""

    @abc.abstractmethod
    def directed(self, weights: tuple[str, ...], share: float) -> Self:
        """Return arguments that prune a share (0..1) of the filters of weights that go together."""
