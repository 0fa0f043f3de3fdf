"""Errors a user can cause, each with the exit code its entry point ends with.

Every message says what is wrong, where, and what to do next, on one line: it is printed as it is,
without a traceback. An exception that is not a `VccError` is a defect of ours and keeps its own.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class VccError(Exception):
    """Base of every expected failure."""

    exit_code = 1


class ConfigError(VccError):
    """An option or configuration file with an unknown key, a wrong type or a bad value."""

    exit_code = 2


class DataError(VccError):
    """Videos, annotations or prepared data that are missing, unreadable or contradictory."""

    exit_code = 3


class ModelError(VccError):
    """An unknown architecture, impossible options for it, or a checkpoint that does not fit."""

    exit_code = 4


class ScheduleError(VccError):
    """A compression schedule that cannot be read or does not fit the network."""

    exit_code = 5


class TrainingError(VccError):
    """Training that cannot go on, such as a loss that is not a number."""

    exit_code = 6


class StoppedError(TrainingError):
    """A training that someone ended, by the keyboard or a termination signal."""


class ExportError(VccError):
    """An export that failed, differs from its network, or cannot run where it was asked to."""

    exit_code = 7


class TrackingError(VccError):
    """A run, a registered model or an alias that is missing, ambiguous or refused."""

    exit_code = 8


class GateError(VccError):
    """Measured figures that miss a pass mark."""

    exit_code = 9


class StudyError(VccError):
    """A study some of whose cells could not be computed."""

    exit_code = 11


class NotAvailableError(VccError):
    """A part of the program that is declared but not built yet."""

    exit_code = 10


def nearest(name: str, known: Iterable[str], *, count: int = 3) -> str:
    """Return the hint that ends an "unknown name" message: the closest known names, or all of them.

    Args:
        name: what the user wrote.
        known: the names that would have been right.
        count: how many suggestions at the most.
    """
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=count, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(map(printable, close))}?"
    return f"known: {', '.join(map(printable, names))}" if names else "none are known here"


def one_line(said: object, *, at_most: int | None = None) -> str:
    """Return a text, or what an error says, without breaks and repeated spaces.

    An error that says nothing gives the name of its type.

    Args:
        said: a text or an exception.
        at_most: characters; where there are more, an ellipsis follows them.
    """
    text = " ".join(str(said).split())
    if not text and isinstance(said, BaseException):
        text = type(said).__name__
    return text if at_most is None or len(text) <= at_most else f"{text[:at_most]}..."


def printable(name: str) -> str:
    """Return a name as it is, or escaped and quoted where it would break a line of text."""
    return name if name.isprintable() else repr(name)
