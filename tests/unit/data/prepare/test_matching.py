"""Which file an annotation's video is."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.data.annotations.annotation import Annotation, Entry
from vcc.data.annotations.ids import composed
from vcc.data.prepare.discovery import FoundVideo
from vcc.data.prepare.matching import plan_of_annotation
from vcc.data.prepare.plan import Plan

ROOT = Path("videos")


def plan(
    entries: list[tuple[str, str]], *paths: str, listed: str = "", wanted: tuple[str, ...] = ()
) -> Plan:
    found = [
        FoundVideo(ROOT / p, Path(composed(p)).parts[:-1], composed(Path(p).stem)) for p in paths
    ]
    rows = tuple(Entry(name, label, "train", None, listed) for name, label in entries)
    annotation = Annotation(("fight", "noFight"), rows, "mine")
    return plan_of_annotation(annotation, found, ROOT, wanted)


def used(made: Plan) -> list[str]:
    return [video.path.relative_to(ROOT).as_posix() for video in made.videos]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a", "fight/a.mp4"),
        ("a.avi", "fight/a.mp4"),
        ("a.mp4", "fight/a.mp4"),
        ("a.xyz", "fight/a.xyz"),
        ("a%20b.mp4", "fight/a b.mp4"),
        ("FIGHT/A.MP4", "fight/a.mp4"),
        ("100%.mp4", "fight/100%.mp4"),
        ("fight/a", "fight/a.mp4"),
        ("/data/videos/fight/a.mp4", "fight/a.mp4"),
        ("v1.2", "fight/v1.2.avi"),
        ("x.mp4", "fight/x.mp4.avi"),
        ("\u00e9", "fight/e\u0301.avi"),
        (".", "fight/..avi"),
    ],
)
def test_one_file(name: str, path: str) -> None:
    made = plan([(name, "fight")], path)
    assert used(made) == [path]
    assert not made.bad


def test_one_name_in_two_classes() -> None:
    paths = ("fight/1.avi", "noFight/1.avi")
    made = plan([("noFight/1", "noFight"), ("fight/1", "fight")], *paths)
    assert used(made) == ["noFight/1.avi", "fight/1.avi"]
    assert (made.bad, made.notes) == ((), ())
    # Without folders, its class says which is meant; the other is not in the annotation.
    made = plan([("1", "noFight")], *paths)
    assert used(made) == ["noFight/1.avi"]
    assert made.notes == ("1 videos are not in the annotation",)


def test_the_path_of_a_list_decides() -> None:
    made = plan([("1", "fight")], "old/fight/1.avi", "new/fight/1.avi", listed="new/fight/1.avi")
    assert used(made) == ["new/fight/1.avi"]
    assert not made.bad


def test_nothing_decides() -> None:
    made = plan([("1", "fight")], "a/1.avi", "b/1.avi")
    assert used(made) == ["a/1.avi"]
    assert [(bad.name, bad.reason) for bad in made.bad] == [
        ("b/1.avi", "has the name of 'a/1.avi'")
    ]


@pytest.mark.parametrize(
    ("name", "path", "bad", "reason"),
    [
        ("2", "fight/1.avi", "2", "no such video file"),
        ("abc_000001_000011", "fight/abc.mp4", "abc_000001_000011",
         "no such video file; 'abc.mp4' is not cut to its seconds"),
        ("../1", "fight/1.avi", "../1", "leaves the video folder"),
        ("1", "x/noFight/1.avi", "x/noFight/1.avi",
         "wrong class: in folder 'noFight', annotated as 'fight'"),
    ],
)  # fmt: skip
def test_bad_entries(name: str, path: str, bad: str, reason: str) -> None:
    made = plan([(name, "fight")], path)
    assert not made.videos
    assert [(each.name, each.reason) for each in made.bad] == [(bad, reason)]


def test_a_file_that_another_row_has() -> None:
    made = plan([("x/1.avi", "fight"), ("y/1.avi", "fight")], "fight/1.avi")
    assert used(made) == ["fight/1.avi"]
    assert [(each.name, each.reason) for each in made.bad] == [
        ("y/1.avi", "no file of its own: '1.avi' is that of another row")
    ]


def test_videos_of_other_classes_are_not_called_unlisted() -> None:
    entries = [("1", "fight"), ("2", "noFight")]
    made = plan(entries, "fight/1.avi", "noFight/2.avi", "fight/3.avi", wanted=("fight",))
    assert (used(made), made.labels) == (["fight/1.avi"], ("fight",))
    assert made.notes == ("1 videos are not in the annotation",)
