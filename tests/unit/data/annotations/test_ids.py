"""Names of videos: the stem, and more of the path where stems repeat."""

from __future__ import annotations

import pytest

from vcc.data.annotations.ids import composed, distinct, listed_ids, without_suffix


@pytest.mark.parametrize(
    ("labels", "paths", "ids"),
    [
        (["a", "b"], ["a/1.avi", "b/2.avi"], ["1", "2"]),
        (["a", "b", "b"], ["a/1.avi", "b/1.avi", "b/2.avi"], ["a/1", "b/1", "2"]),
        (["a", "a"], ["a/1.avi", "a/1.mp4"], ["1.avi", "1.mp4"]),
        (["a", "a"], ["x/train/a/1.avi", "x/test/a/1.avi"], ["train/a/1", "test/a/1"]),
        (["a", "a", "b"], ["a/c/1.avi", "a/d/1.avi", "b/1.avi"], ["a/c/1", "a/d/1", "b/1"]),
        (["a"], ["/data/a/1.avi"], ["1"]),
    ],
)
def test_as_much_of_the_path_as_is_needed(
    labels: list[str], paths: list[str], ids: list[str]
) -> None:
    assert listed_ids(labels, paths) == ids


def test_a_longer_name_that_is_a_shorter_one_of_another() -> None:
    # The last choice of the first two is what the third is called at first.
    choices = [("1", "a/1", "a/1.avi"), ("1", "a/1", "a/1.mp4"), ("a/1.avi", "a/1.avi.mkv")]
    assert distinct(choices) == ["a/1.avi", "a/1.mp4", "a/1.avi.mkv"]


def test_what_is_listed_twice_stays_equal() -> None:
    assert listed_ids(["a", "a"], ["a/1.avi", "a/1.avi"]) == ["1.avi", "1.avi"]


def test_suffixes_of_videos_alone_are_taken_off() -> None:
    assert [without_suffix(name) for name in ("a.AVI", "a.mp4.avi", "v1.2", ".avi", "a/b.ts")] == [
        "a", "a", "v1.2", ".avi", "a/b",
    ]  # fmt: skip


def test_composed_letters() -> None:
    assert composed("e\u0301") == "\u00e9"
