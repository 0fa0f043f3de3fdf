"""A schedule as data: read-only, and written back as what it came from."""

from __future__ import annotations

import copy
import pickle

import pytest
import yaml

from vcc.compression.schedule.loader import load_schedule
from vcc.compression.schedule.schedule import freeze, thaw

MAPPING = {
    "version": 1,
    "clips": {"sample_duration": "x0.5"},
    "pruners": {"p": {"class": "SensitivityPruner", "sensitivities": {"*": 0.9}}},
    "policies": [
        {"pruner": {"instance_name": "p"}, "epochs": [3, 1]},
        {
            "pruner": {"instance_name": "p", "args": {"keep_mask": True}},
            "starting_epoch": 4,
            "ending_epoch": 9,
            "frequency": 2,
        },
    ],
}


def test_frozen_data_cannot_be_written_and_thaws_to_what_it_was() -> None:
    frozen = freeze({"a": [1, {"b": 2}]})
    with pytest.raises(TypeError):
        frozen["a"][1]["b"] = 3
    assert thaw(frozen) == {"a": [1, {"b": 2}]}


def test_it_is_written_back() -> None:
    schedule = load_schedule(MAPPING)
    assert load_schedule(schedule.as_mapping()) == schedule
    written = yaml.safe_load(schedule.to_yaml())
    assert written["policies"] == MAPPING["policies"]
    assert written["clips"] == MAPPING["clips"]


def test_its_parts_are_found_by_subject_and_section() -> None:
    schedule = load_schedule(MAPPING)
    (part,) = schedule.in_section("pruners")
    assert schedule.component("pruner", "p") is part
    assert part.class_name == "SensitivityPruner"
    assert schedule.in_section("quantizers") == ()


def test_it_travels_to_other_processes_and_is_never_copied() -> None:
    schedule = load_schedule(MAPPING)
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert copy.deepcopy(schedule) is schedule
