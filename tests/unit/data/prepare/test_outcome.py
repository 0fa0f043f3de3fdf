"""The manifest and the report of the videos that were kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from stored_videos import stored

from vcc.config.data import PrepareOptions
from vcc.data.annotations.annotation import Entry
from vcc.data.prepare.discovery import BadFile
from vcc.data.prepare.outcome import KeptVideo, manifest_of, report_of
from vcc.data.prepare.plan import Plan, PlannedVideo
from vcc.data.store.sources import Source


def kept(name: str, subset: str, label: str = "run", **changes: object) -> KeptVideo:
    entry = Entry(name, label, subset, None)
    planned = PlannedVideo(Path(f"/videos/{name}.avi"), entry)
    return KeptVideo(planned, stored(**changes), Path("frames", f"{name}.vcf"), f"{name}.avi")


def plan(done: list[KeptVideo], labels: tuple[str, ...] = ("run", "walk")) -> Plan:
    return Plan(labels, "split1", tuple(item.planned for item in done), (), ("of the plan",))


def options(**changes: object) -> PrepareOptions:
    return PrepareOptions(**{"videos": Path("/videos"), "dev_share": 0.5, **changes})


def test_a_kept_video_knows_its_source() -> None:
    assert kept("a", "train").source == Source(width=96, height=72, sha256="s")


def test_a_record_is_of_the_stored_video() -> None:
    done = [kept("a", "train", "walk"), kept("b", "dev"), kept("c", "test")]
    made = manifest_of(options(), plan(done), done, "raw", name="x")
    assert [(each.id, each.label, each.label_name, each.subset) for each in made.videos] == [
        ("a", 1, "walk", "train"),
        ("b", 0, "run", "dev"),
        ("c", 0, "run", "test"),
    ]
    assert made.videos[0].file == "frames/a.vcf"
    assert (made.name, made.split, made.store) == ("x", "split1", "raw")


def test_dev_is_drawn_only_where_nothing_names_it() -> None:
    train = [kept(f"t{number}", "train") for number in range(4)]
    drawn = manifest_of(options(), plan(train), train, "raw", name="x")
    assert sum(video.subset == "dev" for video in drawn.videos) == 2
    own = [*train, kept("d", "dev")]
    named = manifest_of(options(), plan(own), own, "raw", name="x")
    assert [video.id for video in named.videos if video.subset == "dev"] == ["d"]


def test_pixel_statistics_are_of_training_videos_else_of_all() -> None:
    bright = {"pixel_sum": (2000.0, 2000.0, 2000.0), "pixel_square_sum": (4e5, 4e5, 4e5)}
    done = [kept("a", "train"), kept("d", "dev"), kept("b", "test", **bright)]
    made = manifest_of(options(), plan(done), done, "raw", name="x")
    assert made.pixel_mean == (10.0, 20.0, 30.0)
    assert made.pixel_std == (0.0, 3.0, 0.0)
    tests = [kept("b", "test", **bright)]
    assert manifest_of(options(), plan(tests), tests, "raw", name="x").pixel_mean == (200.0,) * 3


@pytest.mark.parametrize(
    ("changes", "sensitive"),
    [({}, False), ({"direction_sensitive": True}, True), ({"videos": None}, True)],
)
def test_the_built_in_data_is_direction_sensitive(
    changes: dict[str, object], sensitive: bool
) -> None:
    done = [kept("a", "train")]
    made = manifest_of(options(**changes), plan(done), done, "raw", name="x")
    assert made.direction_sensitive is sensitive


def notes(
    done: list[KeptVideo], root: Path, labels: tuple[str, ...] = ("run", "walk")
) -> list[str]:
    for item in done:
        (root / item.file).parent.mkdir(exist_ok=True)
        (root / item.file).write_bytes(b"12345")
    manifest = manifest_of(options(dev_share=0.0), plan(done, labels), done, "raw", name="x")
    report = report_of(
        manifest, done, root, bad=[BadFile("z", "empty")], plan=plan(done), reused=2, started=0.0
    )
    assert report.size_bytes == 5 * len(done)
    assert (report.reused, report.bad) == (2, (BadFile("z", "empty"),))
    return list(report.notes)


def test_a_subset_without_videos_is_noted(tmp_path: Path) -> None:
    of_plan, train, dev = notes([kept("a", "test"), kept("b", "test", "walk")], tmp_path)
    assert of_plan == "of the plan"
    assert train.startswith("no train videos: train refuses the data set; give a split with")
    assert dev.startswith("no dev videos: train refuses the data set unless no_val=true")


def test_classes_without_videos_are_named_but_not_of_dev(tmp_path: Path) -> None:
    labels = ("run", *(f"c{number}" for number in range(6)))
    done = [kept("a", "train"), kept("d", "dev"), *(kept(f"v{c}", "test", c) for c in labels)]
    assert notes(done, tmp_path, labels) == [
        "of the plan",
        "classes without train videos: 6: 'c0', 'c1', 'c2', 'c3', 'c4', and 1 more: "
        "a network cannot learn them; give such videos, or leave the classes out with "
        "classes=A,B,C",
    ]


def test_a_video_in_a_folder_counts_with_all_its_frames(tmp_path: Path) -> None:
    done = [replace(kept("a", "train"), file=Path("frames", "a"))]
    (tmp_path / "frames" / "a").mkdir(parents=True)
    for number in range(3):
        (tmp_path / "frames" / "a" / f"image_{number}.jpg").write_bytes(b"1234")
    manifest = manifest_of(options(), plan(done), done, "jpg", name="x")
    report = report_of(manifest, done, tmp_path, bad=(), plan=plan(done), reused=0, started=0.0)
    assert report.size_bytes == 12
