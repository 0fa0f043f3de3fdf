"""A key that stands twice in an object is an error that names it."""

from __future__ import annotations

import json

import pytest

from vcc.json_keys import keys_once


def test_an_object_is_read_as_usual() -> None:
    assert json.loads('{"b": {"c": 1}, "a": 2}', object_pairs_hook=keys_once) == {
        "b": {"c": 1},
        "a": 2,
    }


def test_a_key_that_stands_twice_is_named_in_inner_objects_too() -> None:
    with pytest.raises(ValueError, match="'c' stands there twice"):
        json.loads('{"b": {"c": 1, "d": 2, "c": 3}}', object_pairs_hook=keys_once)
