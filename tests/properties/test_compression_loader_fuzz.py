"""Whatever is done to a schedule, loading it works or says what is wrong in one ScheduleError."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml
from fuzzing import few_or_many, fuzz
from hypothesis import strategies as st
from torch import nn

from vcc.compression import file_config, load_schedule
from vcc.compression.schedule.dialect import classes
from vcc.compression.schedule.shipped import SCHEDULES
from vcc.errors import ScheduleError

BASES = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in SCHEDULES.glob("*.yaml")]
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 300),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["*", "re:(", "re:.*", "type:Conv2d", "kind:hidden", "conv", "Filters"]),
    st.lists(st.integers(-2, 5), max_size=3),
    st.dictionaries(st.sampled_from(["*", "conv.weight", "class", "a"]), st.integers(), max_size=2),
)
CLASS_NAMES = st.sampled_from(sorted(classes()))


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, item in inner:
        found.append((*path, key))
        if isinstance(item, dict | list):
            found += _places(item, (*path, key))
    return found


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A shipped schedule with one to four values replaced, dropped, renamed or added."""
    schedule = copy.deepcopy(draw(st.sampled_from(BASES)))
    for _ in range(draw(st.integers(1, 4))):
        places = _places(schedule)
        if not places:
            break
        *parents, last = draw(st.sampled_from(places))
        owner: Any = schedule
        for key in parents:
            owner = owner[key]
        action = draw(st.sampled_from(["replace", "class", "drop", "rename", "add"]))
        if action == "replace":
            owner[last] = draw(JUNK)
        elif action == "class":
            owner[last] = draw(CLASS_NAMES)
        elif action == "drop":
            del owner[last]
        elif action == "rename" and isinstance(owner, dict):
            owner[draw(st.text(max_size=5))] = owner.pop(last)
        elif action == "add" and isinstance(owner, dict):
            owner[draw(st.sampled_from(["levels", "frequency", "epochs", "x"]))] = draw(JUNK)
    return schedule


def _network() -> nn.Module:
    return nn.Sequential(
        nn.Conv3d(3, 4, 3, padding=1, bias=False),
        nn.BatchNorm3d(4),
        nn.ReLU(),
        nn.Conv3d(4, 6, 1),
        nn.BatchNorm3d(6),
        nn.ReLU(),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(6, 2),
    )


def _refusal(action: Callable[[], Any]) -> str:
    """Return what a ScheduleError says, or nothing where there is none."""
    try:
        action()
    except ScheduleError as error:
        return str(error)
    return ""


def test_a_line_break_in_a_name_leaves_the_error_one_line() -> None:
    words = _refusal(lambda: load_schedule({"pruners\n": {}, "policies": []}))

    assert "pruners\\n" in words
    assert "\n" not in words


def _loaded_or_refused(schedule: dict[str, Any]) -> None:
    words = _refusal(lambda: load_schedule(schedule))

    if words:
        assert "problem" in words
        assert "\n" not in words
    else:
        loaded = load_schedule(schedule)
        assert load_schedule(yaml.safe_load(loaded.to_yaml())) == loaded


@few_or_many(80)
def test_a_mutated_schedule_is_loaded_or_refused(examples: int) -> None:
    fuzz(mutated(), _loaded_or_refused, examples)


def _bound_or_refused(schedule: dict[str, Any]) -> None:
    model = _network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    example = torch.zeros(2, 3, 4, 8, 8)

    assert "\n" not in _refusal(
        lambda: file_config(model, optimizer, schedule, example_input=example)
    )


@few_or_many(40)
def test_a_mutated_schedule_binds_or_is_refused(examples: int) -> None:
    fuzz(mutated(), _bound_or_refused, examples)


def _file_loaded_or_refused(content: str | bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "schedule.yaml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)

        words = _refusal(lambda: load_schedule(path))

        assert not words or str(path) in words
        assert "\n" not in words


@few_or_many(80)
def test_any_file_is_loaded_or_refused(examples: int) -> None:
    fuzz(st.text(max_size=60) | st.binary(max_size=60), _file_loaded_or_refused, examples)
