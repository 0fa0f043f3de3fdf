"""What a field of a schedule may hold: small checkers that return the value or say what is wrong.

A checker takes plain YAML data and returns the accepted value, converted where YAML's own reading
falls short (`1e-5` is text in YAML 1.1), or raises ValueError with half a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from vcc.errors import nearest, one_line

Checker = Callable[[Any], Any]
REQUIRED: Any = object()


@dataclass(frozen=True)
class Field:
    """One argument of a class: its checker and default."""

    check: Checker
    default: Any = REQUIRED
    help: str = ""

    @property
    def required(self) -> bool:
        """Whether the schedule must give it."""
        return self.default is REQUIRED


def _refuse(words: str) -> NoReturn:
    raise ValueError(words)


def is_finite(value: Any) -> bool:
    """Return whether a value and all within it can be computed with: no infinity, no NaN."""
    if isinstance(value, Mapping):
        return all(map(is_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(is_finite, value))
    if not isinstance(value, int | float):
        return True
    try:
        return math.isfinite(value)
    except OverflowError:
        # A whole number beyond the largest float.
        return False


def number(
    at_least: float | None = None, at_most: float | None = None, above: float | None = None
) -> Checker:
    """Accept a finite number in a range."""

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            _refuse(f"{value!r} is not a number")
        try:
            result = value if isinstance(value, int | float) else float(value)
        except ValueError:
            _refuse(f"{value!r} is not a number")
        if not is_finite(result):
            _refuse(f"{one_line(value, at_most=20)} is not a finite number")
        _check_range(result, at_least, at_most, above)
        return result

    return check


def _check_range(
    value: float, at_least: float | None, at_most: float | None, above: float | None
) -> None:
    if at_least is not None and value < at_least:
        _refuse(f"{value:g} must be at least {at_least:g}")
    if at_most is not None and value > at_most:
        _refuse(f"{value:g} must be at most {at_most:g}")
    if above is not None and value <= above:
        _refuse(f"{value:g} must be more than {above:g}")


def integer(at_least: int | None = None, at_most: int | None = None) -> Checker:
    """Accept a whole number in a range."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            _refuse(f"{value!r} is not a whole number")
        _check_range(value, at_least, at_most, None)
        return value

    return check


def boolean(value: Any) -> bool:
    """Accept true or false."""
    if not isinstance(value, bool):
        _refuse(f"{value!r} is not true or false")
    return value


def text(value: Any) -> str:
    """Accept text."""
    if not isinstance(value, str):
        _refuse(f"{value!r} is not text")
    return value


def anything(value: Any) -> Any:
    """Accept whatever is there: a field that Distiller needed and this engine does not."""
    return value


def choice(*allowed: str) -> Checker:
    """Accept one of some words, exactly as written."""

    def check(value: Any) -> str:
        if value not in allowed:
            _refuse(f"{value!r} is not one of {', '.join(allowed)}: {nearest(str(value), allowed)}")
        return str(value)

    return check


def optional(inner: Checker) -> Checker:
    """Accept null, or what `inner` accepts."""

    def check(value: Any) -> Any:
        return None if value is None else inner(value)

    return check


def list_of(inner: Checker, length: int | None = None) -> Checker:
    """Accept a list of such values."""

    def check(value: Any) -> list[Any]:
        if not isinstance(value, list | tuple):
            _refuse(f"{value!r} is not a list")
        if length is not None and len(value) != length:
            _refuse(f"{list(value)!r} must have {length} entries")
        return [inner(item) for item in value]

    return check


def row(*inner: Checker) -> Checker:
    """Accept a list with one entry per checker."""

    def check(value: Any) -> list[Any]:
        items = list_of(anything, len(inner))(value)
        return [checker(item) for checker, item in zip(inner, items, strict=True)]

    return check


def table(inner: Checker) -> Checker:
    """Accept a mapping from names (or selectors) to such values."""

    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not value:
            _refuse(f"{value!r} is not a mapping from names to values")
        result = {}
        for key, item in value.items():
            try:
                result[str(key)] = inner(item)
            except ValueError as error:
                _refuse(f"{key}: {error}")
        return result

    return check


def mapping(value: Any) -> dict[str, Any]:
    """Accept any mapping, an empty one too. YAML reads the bare name of a numbered layer as int."""
    if not isinstance(value, Mapping):
        _refuse(f"{value!r} is not a mapping")
    return {str(key): item for key, item in value.items()}


def names(value: Any) -> list[str]:
    """Accept a list of names or selectors; a bare name stands for a list of one."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        _refuse(f"{value!r} is not a list of names")
    if not value:
        _refuse("the list of names is empty")
    return list(value)
