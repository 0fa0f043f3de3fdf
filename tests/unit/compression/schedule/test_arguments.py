"""Arguments are checked whoever makes them, and keep what a file wrote down."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from vcc.compression import load_schedule
from vcc.compression.schedule.dialect import classes
from vcc.compression.schedule.frozen import FrozenMapping, freeze, thaw
from vcc.errors import ScheduleError

SCHEDULE: dict[str, Any] = {
    "pruners": {
        "p": {
            "class": "L1RankedStructureParameterPruner_AGP",
            "weights": ["conv.weight"],
            "initial_sparsity": 0.1,
            "final_sparsity": 0.5,
            "group_type": "Filters",
            "ranking": "layer",
        }
    },
    "lr_schedulers": {"r": {"class": "StepLR", "step_size": 2}},
    "policies": [
        {"pruner": {"instance_name": "p", "args": {"keep_mask": False}}, "epochs": [0]},
        {"lr_scheduler": {"instance_name": "r"}, "epochs": [0]},
    ],
}


def pruner() -> Any:
    return load_schedule(SCHEDULE).component("pruner", "p").arguments


def test_values_are_typed_and_defaults_are_there() -> None:
    told = pruner()
    assert (told.weights, told.final_sparsity) == (("conv.weight",), 0.5)
    assert (told.group_dependency, told.most_per_layer) == (None, None)


def test_what_was_written_down_is_written_again_and_nothing_else() -> None:
    schedule = load_schedule(SCHEDULE)
    assert schedule.as_mapping() == SCHEDULE
    assert list(schedule.as_mapping()["pruners"]["p"]) == list(SCHEDULE["pruners"]["p"])


def test_an_edited_value_is_written_too() -> None:
    part = load_schedule(SCHEDULE).component("pruner", "p")
    told = dataclasses.replace(part.arguments, normalizer="lamp")  # type: ignore[call-arg]
    assert dataclasses.replace(part, arguments=told).args["normalizer"] == "lamp"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"final_sparsity": 2}, "final_sparsity: 2 must be at most 1"),
        ({"ranking": "globl"}, "ranking: 'globl' is not one of .*did you mean global"),
        ({"initial_sparsity": 0.9}, "final_sparsity 0.5 must exceed initial_sparsity 0.9"),
    ],
)
def test_an_edit_is_checked_like_a_file(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ScheduleError, match=words):
        dataclasses.replace(pruner(), **change)


def test_all_that_is_wrong_with_a_definition_is_told_at_once() -> None:
    wrong = copy.deepcopy(SCHEDULE)
    wrong["pruners"]["p"] |= {"initial_sparsity": 0.9, "ranking": "globl"}
    with pytest.raises(ScheduleError, match=r"2 problems: .*globl.*must exceed"):
        load_schedule(wrong)


def test_a_schedule_can_be_copied_and_pickled() -> None:
    schedule = load_schedule(SCHEDULE)
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert copy.deepcopy(schedule) == schedule


def test_every_class_and_argument_says_what_it_means() -> None:
    silent = [
        f"{name}.{key}"
        for name, spec in classes().items()
        if not getattr(spec.arguments, "of_torch", False)
        for key, field in spec.arguments.fields().items()
        if not field.help
    ]
    assert not silent
    assert not [name for name, spec in classes().items() if not spec.arguments.__dict__["__doc__"]]


def test_plain_data_is_frozen_and_thawed() -> None:
    plain = {"a": [1, {"b": [2]}]}
    frozen = freeze(plain)
    assert frozen == FrozenMapping({"a": (1, FrozenMapping({"b": (2,)}))})
    assert thaw(frozen) == plain
    with pytest.raises(TypeError, match="item assignment"):
        frozen["a"] = 1
    assert pickle.loads(pickle.dumps(frozen)) == frozen
