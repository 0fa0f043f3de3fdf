"""Checkers of a schedule's fields: what they take, and what they say of the rest."""

from __future__ import annotations

from typing import Any

import pytest

from vcc.compression.schedule.fields import (
    Checker,
    Field,
    boolean,
    choice,
    integer,
    list_of,
    mapping,
    names,
    number,
    optional,
    row,
    table,
    text,
)


@pytest.mark.parametrize(
    ("check", "given", "taken"),
    [
        # YAML 1.1 reads 1e-5 as text
        (number(), "1e-5", 1e-5),
        (number(at_least=0, at_most=1), 1, 1),
        (integer(at_least=1), 3, 3),
        (boolean, False, False),
        (text, "a", "a"),
        (choice("a", "b"), "b", "b"),
        (optional(text), None, None),
        (list_of(integer(), 2), (1, 2), [1, 2]),
        (row(number(), text), [0.5, "2D"], [0.5, "2D"]),
        (table(number()), {0: 1}, {"0": 1}),
        (mapping, {}, {}),
        (names, "a", ["a"]),
        (names, ["a", "b"], ["a", "b"]),
    ],
)
def test_it_is_taken(check: Checker, given: Any, taken: Any) -> None:
    assert check(given) == taken


@pytest.mark.parametrize(
    ("check", "given", "message"),
    [
        (number(), True, "True is not a number"),
        (number(), "half", "'half' is not a number"),
        (number(), float("nan"), "nan is not a finite number"),
        (number(at_least=0), -1, "-1 must be at least 0"),
        (number(at_most=1), 1.5, "1.5 must be at most 1"),
        (number(above=0), 0, "0 must be more than 0"),
        (integer(), 1.0, "1.0 is not a whole number"),
        (boolean, 1, "1 is not true or false"),
        (text, 1, "1 is not text"),
        (choice("Filters", "Rows"), "Filter", "did you mean Filters"),
        (list_of(integer()), 1, "1 is not a list"),
        (list_of(integer(), 2), [1], "must have 2 entries"),
        (table(number()), {}, "not a mapping from names"),
        (table(number()), {"w": "x"}, "w: 'x' is not a number"),
        (mapping, [], "not a mapping"),
        (names, [], "the list of names is empty"),
        (names, [1], "not a list of names"),
    ],
)
def test_it_is_refused_in_half_a_sentence(check: Checker, given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check(given)


def test_a_field_without_a_default_is_required() -> None:
    assert Field(text).required
    assert not Field(text, default=None).required
