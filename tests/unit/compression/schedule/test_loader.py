"""What the loader refuses, takes with a warning, and fills in; every problem at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vcc.compression.schedule.loader import load_schedule, raise_problems
from vcc.errors import ScheduleError

PRUNER = {"class": "SensitivityPruner", "sensitivities": {"*": 0.9}}
POLICY = {"pruner": {"instance_name": "p"}, "epochs": [0]}


def schedule(**changes: Any) -> dict[str, Any]:
    return {"pruners": {"p": PRUNER}, "policies": [POLICY], **changes}


def test_a_loaded_schedule_is_taken_as_it_is() -> None:
    loaded = load_schedule(schedule())
    assert load_schedule(loaded) is loaded
    assert not loaded.warnings


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (schedule(prunner={}), "prunner: unknown section: did you mean pruners"),
        (schedule(pruners={"p": {**PRUNER, "class": "SensitivityPrunner"}}), "SensitivityPruner"),
        (
            schedule(pruners={"p": {**PRUNER, "sensitivity": 1}}),
            "unknown argument: did you mean sensitivities",
        ),
        (schedule(pruners={"p": {"class": "SensitivityPruner"}}), "sensitivities is missing"),
        (
            schedule(policies=[{**POLICY, "pruner": {"instance_name": "q"}}]),
            "no pruner is called .q.: known: p",
        ),
        (schedule(policies=[{**POLICY, "epochs": []}]), "epoch numbers from 0"),
        (schedule(policies=[{"pruner": {"instance_name": "p"}}]), "frequency missing; give epochs"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(mapping: dict[str, Any], message: str) -> None:
    with pytest.raises(ScheduleError, match=message) as told:
        load_schedule(mapping)
    assert "\n" not in str(told.value)


def test_all_problems_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "pruners:\n  p: {class: LevelPruner}\n"
        "policies:\n  - {pruner: {instance_name: p}, epochs: [-1]}\n"
    )
    with pytest.raises(ScheduleError, match=r"2 problems: line 2.*line 4"):
        load_schedule(path)


def test_a_key_that_appears_twice_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text("version: 1\nversion: 2\npolicies: []\n")
    loaded = load_schedule(path)
    assert loaded.version == 2
    assert "appears twice" in loaded.warnings[0]


def test_names_with_line_breaks_stay_on_the_line() -> None:
    raise_problems("x", [])
    with pytest.raises(ScheduleError, match=r"^x: 1 problem: a\\nb$"):
        raise_problems("x", ["a\nb"])
