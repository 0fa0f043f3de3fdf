"""Numbers of a schedule are finite, however they are written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from vcc.compression.schedule.clips import number_or_factor
from vcc.compression.schedule.dialect import classes
from vcc.compression.schedule.fields import is_finite, number
from vcc.compression.schedule.loader import load_schedule
from vcc.errors import ScheduleError

ENDLESS = (float("inf"), float("-inf"), float("nan"), "inf", "-inf", "nan", "1e400", 10**400)


@pytest.mark.parametrize("value", ENDLESS)
def test_a_number_is_finite(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a finite number"):
        number()(value)


def test_a_number_may_be_written_as_text() -> None:
    assert number(at_least=0)("1e-5") == 1e-5


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, True),
        ({"a": [1, {"b": (2.0, None, "inf")}]}, True),
        ({"a": [1, {"b": (2.0, float("nan"))}]}, False),
        ([float("-inf")], False),
    ],
)
def test_lists_and_mappings_are_looked_into(value: Any, expected: bool) -> None:
    assert is_finite(value) is expected


def test_a_factor_is_finite() -> None:
    with pytest.raises(ValueError, match="neither a whole number nor a factor"):
        number_or_factor(1)("x" + "9" * 400)


def fields_of_classes() -> Iterator[tuple[str, str, str]]:
    for name, spec in classes().items():
        for field in spec.arguments.fields():
            yield spec.section, name, field


def shapes(value: float) -> Iterator[Any]:
    """Yield an endless number as every kind of field could hold it."""
    yield from (value, [value], [value, value], {"a": value}, {"a": {"b": value}})
    yield from ({"a": [value, "3D"]}, [[value, "3D"]])


@pytest.mark.parametrize(("section", "name", "field"), list(fields_of_classes()))
def test_no_field_of_any_class_is_endless(section: str, name: str, field: str) -> None:
    for value in shapes(float("inf")):
        schedule = {section: {"it": {"class": name, field: value}}, "policies": []}
        with pytest.raises(ScheduleError, match=rf"it\.{field}\b"):
            load_schedule(schedule)


def test_a_file_says_where(tmp_path: Any) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "lr_schedulers:\n  lr: {class: ExponentialLR, gamma: .inf}\n"
        "policies: [{lr_scheduler: {instance_name: lr}, epochs: [0]}]\n"
    )
    with pytest.raises(ScheduleError, match=r"line 2, lr_schedulers\.lr\.gamma: inf is not finite"):
        load_schedule(path)
