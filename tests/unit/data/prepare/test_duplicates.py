"""Equal files and subsets of classes: what an official list names is kept, leaks are named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from data_videos import write_tree

from vcc.config.data import PrepareOptions
from vcc.data.prepare.build_plan import make_plan
from vcc.data.prepare.run import prepare
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError, DataError


def plan_of(videos: Path, **changed: object) -> object:
    return make_plan(PrepareOptions(videos=videos, **changed), videos)


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Two classes with groups 1 (test of split 1), 8, 9, 10; a test video equals a training one."""
    root = tmp_path / "videos"
    write_tree(root, labels=("run", "walk", "wave"))
    shutil.copy(root / "run" / "v_run_g08_c01.avi", root / "run" / "v_run_g01_c01.avi")
    return root


def test_a_leak_is_named_and_kept(videos: Path) -> None:
    plan = plan_of(videos)
    assert len(plan.videos) == 12
    assert not plan.bad
    (leak,) = [note for note in plan.notes if note.startswith("leak: 1 test videos")]
    assert "'run/v_run_g08_c01.avi' (train) equals 'run/v_run_g01_c01.avi' (test)" in leak


def test_each_test_video_that_was_seen_counts_once(videos: Path) -> None:
    for group in ("09", "10"):
        shutil.copy(
            videos / "run" / "v_run_g08_c01.avi", videos / "run" / f"v_run_g{group}_c01.avi"
        )
    notes = plan_of(videos).notes
    assert [note for note in notes if note.startswith("leak: 1 test videos")]
    assert any(note.startswith("3 files repeat others") for note in notes)


def test_all_but_the_first_are_dropped_or_refused(videos: Path) -> None:
    plan = plan_of(videos, on_duplicates="drop")
    assert len(plan.videos) == 11
    assert plan.bad[0].reason == "duplicate of 'run/v_run_g01_c01.avi'"
    with pytest.raises(DataError, match="1 files repeat others, first .*on_duplicates=report"):
        plan_of(videos, on_duplicates="error")


def test_a_drawn_split_keeps_equal_files_together(tmp_path: Path) -> None:
    for number in range(8):
        write_tree(tmp_path, labels=("run", "walk"), groups=[number])
    names = sorted(tmp_path.rglob("*.avi"))
    for number, path in enumerate(names):
        copy = path.with_name(f"plain{number}.avi")
        path.rename(copy)
        shutil.copy(copy, copy.with_name(f"twin{number}.avi"))
    for seed in range(5):
        plan = plan_of(tmp_path, manual_seed=seed)
        assert len(plan.videos) == 32
        assert not any("leak" in note for note in plan.notes)


@pytest.mark.parametrize("form", ["names", "file"])
def test_a_subset_of_the_classes(tmp_path: Path, videos: Path, form: str) -> None:
    listed = tmp_path / "some.txt"
    listed.write_text("wave\nrun\n")
    classes = str(listed) if form == "file" else "wave, run"
    report = prepare(
        PrepareOptions(videos=videos, output=tmp_path / "data", classes=classes, n_jobs=1)
    )
    dataset = PreparedDataset.open(report.root)
    assert dataset.labels == ("run", "wave")
    assert {video.label for video in dataset.manifest.videos} == {0, 1}
    assert (report.videos, report.test, report.split) == (8, 2, "split1")
    assert not any("not in the annotation" in note for note in report.notes)


@pytest.mark.parametrize(
    ("classes", "reason"),
    [
        ("run", "fewer than two"),
        ("run,wavy", "no class 'wavy': did you mean wave"),
        ("run,run", "named twice"),
    ],
)
def test_classes_that_are_not_there(videos: Path, classes: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        plan_of(videos, classes=classes)
