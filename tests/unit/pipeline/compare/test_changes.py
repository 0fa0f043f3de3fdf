"""What changed between two versions: by schedule, class and video."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vcc.pipeline.compare.changes import Change, change_sections
from vcc.pipeline.compare.versions import ComparedVersion

pytestmark = pytest.mark.usefixtures("registry")


def test_schedules_are_set_side_by_side(read: tuple[ComparedVersion, ...], tmp_path: Path) -> None:
    _, schedule, *_ = change_sections(Change(before=read[1], after=read[2]), tmp_path)
    assert schedule.lines[:2] == ["--- toy-motion/2 thin.yaml", "+++ toy-motion/3 int8.yaml"]
    assert "-    class: L1RankedStructureParameterPruner" in schedule.lines
    assert "+    class: Quantizer" in schedule.lines
    # A dense network has none: all of the other's is new.
    _, schedule, *_ = change_sections(Change(before=read[0], after=read[1]), tmp_path)
    assert schedule.lines[0] == "--- toy-motion/1 (no schedule)"
    assert all(line.startswith("+") for line in schedule.lines[3:])
    _, schedule, *_ = change_sections(Change(before=read[1], after=read[1]), tmp_path)
    assert schedule.text == "Both were made by the same schedule."


def test_classes_and_videos_that_changed_are_named(
    read: tuple[ComparedVersion, ...], tmp_path: Path
) -> None:
    *_, classes, videos = change_sections(Change(before=read[1], after=read[2]), tmp_path)
    assert classes.rows[1:] == [
        ["left", "4", "75.0%", "50.0%", "-25.0", "right"],
        ["right", "4", "75.0%", "100.0%", "+25.0", ""],
    ]
    assert len(classes.pictures) == 1
    assert videos.rows[1:] == [
        ["v1", "left", "left 0.89", "right 0.89", "lost"],
        ["v7", "right", "left 0.83", "right 0.83", "gained"],
    ]
    assert videos.text.startswith("Of 8 test videos, 1 that toy-motion/2 had right are wrong in")
    assert "a difference that may be chance" in videos.text


def test_the_evaluation_s_pictures_are_of_a_version_and_its_parent(
    read: tuple[ComparedVersion, ...], tmp_path: Path
) -> None:
    *_, videos = change_sections(Change(before=read[1], after=read[2]), tmp_path)
    assert [each["caption"] for each in videos.pictures] == [
        "A video that was lost: frames, and both answers."
    ]
    *_, videos = change_sections(Change(before=read[0], after=read[2]), tmp_path)
    assert not videos.pictures


def test_what_was_not_evaluated_is_not_compared(
    read: tuple[ComparedVersion, ...], tmp_path: Path
) -> None:
    bare = replace(read[2], evaluated=None)
    *_, videos = change_sections(Change(before=read[1], after=bare), tmp_path)
    assert videos.text == (
        "Not compared: toy-motion/3 has no table of predictions: run evaluate for it."
    )
