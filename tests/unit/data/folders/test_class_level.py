"""Which of two levels of folders are the classes."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.data.folders.class_level import are_inner, part_grade
from vcc.errors import DataError

ROOT = Path("videos")


def folders(text: str) -> list[tuple[str, ...]]:
    return [tuple(path.split("/")) for path in text.split()]


def inner(text: str, wanted: str = "auto") -> bool:
    return are_inner(folders(text), ROOT, wanted=wanted)


@pytest.mark.parametrize(
    ("names", "grade"),
    [
        (["day1", "Day 02"], 2),
        (["person01", "subject-3", "S cam_2"], 2),
        (["2021-05-03", "20210504 noon"], 2),
        (["cam left", "camera_right"], 2),
        (["Anomaly-Videos-Part-1", "Anomaly-Videos-Part-2"], 2),
        (["001", "2"], 1),
        (["day1", "walk"], 0),
        (["walk", "run"], 0),
        (["class1", "class2"], 0),
        (["part"], 0),
    ],
)
def test_names_of_parts(names: list[str], grade: int) -> None:
    assert part_grade(names) == grade


@pytest.mark.parametrize(
    "text",
    [
        "day1/walk day1/run day2/walk day2/run",
        "person01/walk person01/run person02/walk",
        "fold1/0001x/more fold1/b fold2/b",
        # No class is called so, though each lies in one part alone.
        "Videos-Part-1/Abuse Videos-Part-1/Arson Videos-Part-2/Fight",
    ],
)
def test_sessions_around_classes(text: str) -> None:
    assert inner(text)
    assert not inner(text, "outer")


@pytest.mark.parametrize(
    "text",
    [
        "walk run",
        "walk/part1 walk/part2 run/part1 run/part2",
        "Diving/001 Diving/002 Golf/001 Golf/002",
        "001/take1 001/take2 002/take1 002/take2",
        "shooting/v_01 shooting/v_02 tennis/w_01",
        "walk/videos run/videos",
        "walk walk/day1 run/day1",
        "day1/walk",
        "day1/all day2/all",
        "walk/good run/bad walk/c run/d",
    ],
)
def test_classes_around_parts(text: str) -> None:
    assert not inner(text)


@pytest.mark.parametrize(
    "text",
    [
        "alice/walk alice/run bob/walk bob/run",
        "walk/good walk/bad run/good run/bad",
        "001/walk 001/run 002/walk 002/run",
        "person1/take1 person1/take2 person2/take1 person2/take2",
    ],
)
def test_what_names_do_not_tell_is_asked(text: str) -> None:
    with pytest.raises(DataError, match="by class_folders=outer or class_folders=inner"):
        inner(text)
    assert inner(text, "inner")
    assert not inner(text, "outer")


def test_inner_folders_must_be_there() -> None:
    with pytest.raises(DataError, match="videos lie in 'run' and no folder below it"):
        inner("walk/a run", "inner")
