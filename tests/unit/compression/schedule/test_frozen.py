"""Plain YAML data that cannot be changed."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from vcc.compression.schedule.frozen import FrozenMapping, freeze, thaw

DATA = {"a": {"b": [1, {"c": None}]}, "d": "text", "e": []}


def test_what_is_thawed_is_what_was_frozen() -> None:
    assert thaw(freeze(DATA)) == DATA
    assert thaw(freeze(3)) == 3


def test_frozen_data_cannot_be_changed_and_does_not_follow_the_original() -> None:
    original = copy.deepcopy(DATA)
    frozen = freeze(original)
    original["d"] = "other"
    assert frozen["d"] == "text"
    assert isinstance(frozen["a"]["b"], tuple)
    with pytest.raises(TypeError):
        frozen["d"] = "other"
    with pytest.raises(TypeError):
        frozen["a"]["b"][0] = 2


def test_what_is_thawed_is_a_copy_of_its_own() -> None:
    frozen = freeze(DATA)
    plain = thaw(frozen)
    plain["a"]["b"].append(2)
    assert thaw(frozen) == DATA


@pytest.mark.parametrize("again", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_it_can_be_copied_and_pickled(again: Any) -> None:
    frozen = freeze(DATA)
    assert again(frozen) == frozen
    assert isinstance(again(frozen), FrozenMapping)
    assert (len(frozen), list(frozen), repr(freeze({"a": 1}))) == (3, ["a", "d", "e"], "{'a': 1}")
