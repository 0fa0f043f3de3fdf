"""Plans: names of videos, splits by folders and lists, and what is refused before any work."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest
from data_videos import prepare_tree, smooth_frames, write_video
from decoded import read_video

from vcc.config.data import PrepareOptions
from vcc.data.annotations.forms import load_annotation
from vcc.data.prepare.build_plan import make_plan
from vcc.data.prepare.plan import Plan
from vcc.data.store.prepared import PreparedDataset, find_prepared
from vcc.errors import DataError

_seeds = itertools.count()


def write(root: Path, *paths: str) -> Path:
    """Write a video of its own at each path."""
    for path in paths:
        target = root / path
        write_video(root / "new.avi", smooth_frames(3, seed=next(_seeds)))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(root / "new.avi", target)
    return root


def plan(videos: Path, **changed: object) -> Plan:
    return make_plan(PrepareOptions(videos=videos, **changed), videos)


def rows(made: Plan) -> list[tuple[str, str, str]]:
    return [(each.entry.id, each.entry.label, each.entry.subset) for each in made.videos]


def test_folders_are_the_split_and_same_names_are_apart(tmp_path: Path) -> None:
    root = write(
        tmp_path / "videos", "train/fight/1.avi", "train/noFight/1.avi", "val/fight/1.avi",
        "val/noFight/2.avi", "test/fight/3.avi", "test/noFight/3.mkv", "train/fight/4.avi",
    )  # fmt: skip
    made = plan(root)
    assert made.split == "folders"
    assert rows(made) == [
        ("fight/3", "fight", "test"),
        ("noFight/3", "noFight", "test"),
        ("train/fight/1", "fight", "train"),
        ("4", "fight", "train"),
        ("noFight/1", "noFight", "train"),
        ("val/fight/1", "fight", "dev"),
        ("2", "noFight", "dev"),
    ]
    dataset = prepare_tree(tmp_path)
    assert [len(dataset.videos(subset)) for subset in ("train", "dev", "test")] == [3, 2, 2]
    assert len({video.file for video in dataset.manifest.videos}) == 7


def test_names_that_differ_in_their_suffix(tmp_path: Path) -> None:
    made = plan(write(tmp_path, "a/1.avi", "a/1.mkv", "b/2.avi"))
    assert [row[0] for row in rows(made)] == ["a/1.avi", "a/1.mkv", "2"]
    assert not made.bad


@pytest.mark.parametrize("form", ["folders", "json", "list"])
def test_one_class_is_refused(tmp_path: Path, form: str) -> None:
    root = write(tmp_path / "videos", "run/1.avi", "run/2.avi")
    annotation = tmp_path / f"mine.{form}"
    if form == "json":
        row = '{"subset": "training", "annotations": {"label": "run"}}'
        annotation.write_text(f'{{"labels": ["run"], "database": {{"1": {row}}}}}')
    elif form == "list":
        annotation.write_text("run/1.avi run\nrun/2.avi run\n")
    with pytest.raises(DataError, match="only one class, 'run': a network tells apart two"):
        plan(root, annotation=None if form == "folders" else annotation)


def test_sessions_stay_on_one_side(tmp_path: Path) -> None:
    sessions = [f"day{number}/{label}/1.avi" for number in range(4) for label in ("run", "walk")]
    root = write(tmp_path, *sessions)
    made = plan(root)
    assert made.labels == ("run", "walk")
    sides = {(each.entry.group, each.entry.subset) for each in made.videos}
    assert len(sides) == 4
    assert [side for _, side in sorted(sides)].count("test") == 1
    assert plan(root, class_folders="outer").labels == ("day0", "day1", "day2", "day3")


def test_a_class_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    root = write(tmp_path / "videos", "run/1.avi", "walk/2.avi")
    write(tmp_path, "disk/3.avi")
    (root / "jump").symlink_to(tmp_path / "disk")
    with pytest.raises(DataError, match="'jump': is a link that leaves the video folder, to"):
        plan(root)
    # Below a class it costs no class.
    (root / "jump").rename(root / "run" / "more")
    assert [bad.name for bad in plan(root).bad] == ["run/more"]


def test_a_list_without_subsets_is_split_as_folders_are(tmp_path: Path) -> None:
    paths = [f"{label}/{number}.avi" for label in ("run", "walk") for number in range(10)]
    root = write(tmp_path / "videos", *paths)
    listed = tmp_path / "all.csv"
    listed.write_text("path,label\n" + "".join(f"{p},{p.split('/')[0]}\n" for p in paths))
    made = plan(root, annotation=listed)
    assert made.split == plan(root).split == "seeded-1"
    assert rows(made) == rows(plan(root))
    assert [row[2] for row in rows(made)].count("test") == 6


def test_a_list_of_other_videos_is_refused(tmp_path: Path) -> None:
    root = write(tmp_path / "videos", "run/1.avi", "walk/2.avi")
    (tmp_path / "a.csv").write_text("run/x.avi,run\nwalk/y.avi,walk\n")
    with pytest.raises(DataError, match=r"none of its 2 .*there are such as 'run/1\.avi'"):
        plan(root, annotation=tmp_path / "a.csv")


def test_decomposed_folders_and_composed_lists(tmp_path: Path) -> None:
    root = write(tmp_path / "videos", "cafe\u0301/e\u0301.avi", "bar/b.avi")
    listed = tmp_path / "all.csv"
    listed.write_text("caf\u00e9/\u00e9.avi,caf\u00e9\nbar/b.avi,bar\n")
    assert sorted(rows(plan(root, annotation=listed))) == sorted(rows(plan(root)))
    assert plan(root).labels == ("bar", "caf\u00e9")
    assert len(plan(root, classes="bar,cafe\u0301").videos) == 2


def test_a_group_on_two_sides_is_named_by_its_files(tmp_path: Path) -> None:
    root = write(tmp_path, "train/a/v_a_g01_c01.avi", "test/a/v_a_g01_c02.avi", "test/b/x.avi")
    with pytest.raises(DataError, match=r"'test/a/v_a_g01_c02\.avi' in test and 'train/a/v_a"):
        plan(root)


def test_reports_name_files_by_their_path(tmp_path: Path) -> None:
    root = write(tmp_path / "videos", "fight/1.avi", "fight/2.avi", "noFight/1.avi")
    whole = write_video(root / "fight" / "cut.avi", smooth_frames(60)).read_bytes()
    (root / "fight" / "cut.avi").write_bytes(whole[: len(whole) // 2])
    (root / "noFight" / "bad.mp4").write_text("text")
    (root / "noFight" / "notes.txt").write_text("more")
    dataset = prepare_tree(tmp_path, max_bad_share=0.5, min_decoded_share=0.1)
    report = (dataset.root / "prepare_report.json").read_text()
    assert '"noFight/bad.mp4"' in report
    assert "'fight/cut.avi' (" in report
    assert "1 file was not read: 1 .txt, such as 'noFight/notes.txt'" in report


def test_a_class_that_is_not_tested_is_named(tmp_path: Path) -> None:
    write(tmp_path / "videos", "train/a/1.avi", "train/b/2.avi", "test/a/3.avi")
    report = (prepare_tree(tmp_path).root / "prepare_report.json").read_text()
    assert "classes without test videos: 1: 'b'" in report
    assert "classes without train videos" not in report


def test_paths_may_be_text(tmp_path: Path) -> None:
    root = write(tmp_path / "videos", "a/1.avi", "b/2.avi")
    dataset = prepare_tree(tmp_path)
    assert PreparedDataset.open(str(dataset.root)).digest == dataset.digest
    assert find_prepared(str(tmp_path)).digest == dataset.digest
    assert len(read_video(str(root / "a" / "1.avi"), 128)) == 3
    (tmp_path / "all.txt").write_text("a/1.avi x\nb/2.avi y\n")
    assert load_annotation(str(tmp_path / "all.txt"), 1).labels == ("x", "y")
