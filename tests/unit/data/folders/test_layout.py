"""What folders mean: classes, a split, or one too many."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from vcc.data.folders.layout import FolderLayout, lay_out
from vcc.data.prepare.discovery import FoundVideo
from vcc.errors import DataError

ROOT = Path("videos")


def layout(*paths: str) -> FolderLayout:
    found = [
        FoundVideo(ROOT / path, Path(path).parts[:-1], Path(path).stem) for path in paths
    ]  # fmt: skip
    return lay_out(found, ROOT)


def placed(laid: FolderLayout) -> Sequence[tuple[str, str]]:
    return [(each.label, each.subset) for each in laid.placed]


def test_plain_classes() -> None:
    laid = layout("run/a.avi", "walk/b.avi", "c.avi")
    assert placed(laid) == [("run", ""), ("walk", "")]
    assert [video.stem for video in laid.loose] == ["c"]
    assert (laid.is_split, laid.class_depth, laid.notes) == (False, 1, ())


@pytest.mark.parametrize(
    ("train", "test", "note"),
    [
        ("train", "test", "the folders 'test' and 'train' are the split"),
        ("Training", "Testing", "the folders 'Testing' and 'Training' are the split"),
        ("train", "val", "val is what is tested on, dev is taken from train"),
        ("train_256", "Validation", "val is what is tested on"),
        ("train", "valid", "val is what is tested on"),
    ],
)
def test_folders_of_a_split(train: str, test: str, note: str) -> None:
    laid = layout(f"{train}/run/a.avi", f"{train}/walk/b.avi", f"{test}/run/c.avi")
    assert placed(laid) == [("run", "train"), ("walk", "train"), ("run", "test")]
    assert laid.is_split
    assert laid.class_depth == 2
    assert note in laid.notes[0]


def test_three_sides() -> None:
    laid = layout("train/run/a.avi", "val/run/b.avi", "test/walk/c.avi")
    assert placed(laid) == [("run", "train"), ("run", "dev"), ("walk", "test")]
    assert "val is dev, so that dev_share is not used" in laid.notes[0]


@pytest.mark.parametrize(
    ("paths", "labels"),
    [
        (("UCF-101/run/a.avi", "UCF-101/walk/b.avi"), ["run", "walk"]),
        (("x/y/run/a.avi", "x/y/walk/b.avi"), ["run", "walk"]),
        (("train/run/a.avi", "train/walk/b.avi"), ["run", "walk"]),
    ],
)
def test_one_folder_too_many(paths: tuple[str, ...], labels: list[str]) -> None:
    laid = layout(*paths)
    assert [each.label for each in laid.placed] == labels
    assert not laid.is_split
    assert laid.class_depth == len(Path(paths[0]).parts) - 1
    assert laid.notes[0].endswith("the folders below it are the classes")


def test_a_folder_around_a_split_or_inside_it() -> None:
    around = layout("data/train/run/a.avi", "data/test/walk/b.avi")
    inside = layout("train/UCF/run/a.avi", "test/UCF/walk/b.avi")
    below = layout("run/train/a.avi", "run/test/b.avi", "walk/train/c.avi")
    assert placed(around) == placed(inside) == [("run", "train"), ("walk", "test")]
    assert placed(below) == [("run", "train"), ("run", "test"), ("walk", "train")]
    assert (around.class_depth, inside.class_depth, below.class_depth) == (3, 3, 1)


def test_a_class_may_be_called_train() -> None:
    assert placed(layout("train/a.avi", "bus/b.avi")) == [("train", ""), ("bus", "")]


def test_one_class_stays_one() -> None:
    assert placed(layout("run/a.avi", "run/b.avi")) == [("run", ""), ("run", "")]
    assert [each.label for each in layout("run/a.avi", "run/x/b.avi").placed] == ["run", "run"]


def test_deeper_folders_are_named() -> None:
    laid = layout("run/a.avi", "walk/cam1/b.avi")
    assert laid.notes == (
        "videos in folders below their class folder: 1, such as 'walk/cam1/b.avi' of class 'walk'",
    )


def test_sessions_around_classes() -> None:
    laid = layout("all/day1/run/a.avi", "all/day1/walk/b.avi", "all/day2/run/x/c.avi", "d.avi")
    assert [(each.label, each.group) for each in laid.placed] == [
        ("run", "day1"), ("walk", "day1"), ("run", "day2"),
    ]  # fmt: skip
    assert laid.class_depth == 3
    assert laid.notes[1].startswith(
        "the classes are the inner folders 'run' and 'walk', the outer ones 'day1' and 'day2' are"
    )
    assert "such as 'all/day2/run/x/c.avi' of class 'run'" in laid.notes[2]


def test_sessions_do_not_change_a_split_that_folders_are() -> None:
    laid = layout("train/day1/run/a.avi", "test/day1/run/b.avi", "test/day2/walk/c.avi")
    assert placed(laid) == [("run", "train"), ("run", "test"), ("walk", "test")]
    assert {each.group for each in laid.placed} == {""}
    assert laid.class_depth == 3
    assert "stays on one side" not in laid.notes[1]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (("train/r/a.avi", "test/r/b.avi", "old/r/c.avi"), "'old' beside them no part of one"),
        (("val/r/a.avi", "test/r/b.avi"), "'test' and 'val' are sides of a split, but none is for"),
        (("train/a.avi", "test/b.avi"), "'test' and 'train' hold no class folders"),
        (
            ("train/Run/a.avi", "test/run/b.avi"),
            "'Run' and 'run' differ in upper and lower case",
        ),
    ],
)
def test_what_is_refused(paths: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        layout(*paths)
