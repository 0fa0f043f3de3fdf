"""Prepare as a whole: what it writes, what it reports, and what it refuses."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from data_videos import prepare_tree, smooth_frames, tree_bytes, write_tree, write_video

from vcc.config.data import PrepareOptions
from vcc.data.prepare.run import prepare
from vcc.data.store.prepared import PreparedDataset, find_prepared
from vcc.errors import DataError


def options(root: Path, **changes: object) -> PrepareOptions:
    values: dict[str, object] = {"videos": root / "videos", "output": root / "data", "n_jobs": 1}
    return PrepareOptions(**{**values, **changes})


def test_a_folder_tree_with_groups(tmp_path: Path) -> None:
    videos = write_tree(tmp_path / "videos", clips=2)
    report = prepare(options(tmp_path, dev_share=0.34))
    assert (report.classes, report.videos) == (2, 16)
    assert (report.train, report.dev, report.test) == (8, 4, 4)
    assert report.frames == sum(len(frames) for frames in videos.values())
    assert report.hours == pytest.approx(report.frames / 25 / 3600)
    assert report.bad == ()
    dataset = PreparedDataset.open(tmp_path / "data")
    assert dataset.labels == ("run", "walk")
    assert dataset.split == "split1"
    assert {v.group[-3:] for v in dataset.videos("test")} == {"g01"}
    groups = [{v.group for v in dataset.videos(s)} for s in ("train", "dev", "test")]
    assert len(set.union(*groups)) == sum(map(len, groups))
    for subset in ("train", "dev", "test"):
        for video in dataset.videos(subset):
            got = dataset.frames(video, range(video.n_frames))
            assert np.array_equal(got, videos[video.id])


def test_a_full_disk_is_one_line_and_the_next_run_goes_on(tmp_path: Path) -> None:
    # Stored frames are larger than a file may be, lists and reports are not.
    write_tree(tmp_path / "videos")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(
            DataError, match=r"cannot write the store \(File too large\); make room"
        ):
            prepare(options(tmp_path, store="raw"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not tree_bytes(tmp_path / "data")
    assert prepare(options(tmp_path, store="raw")).videos == 8


def test_pixel_statistics_are_of_training_videos(tmp_path: Path) -> None:
    for group, red in ((1, 200), (8, 40), (9, 60)):
        frames = np.zeros((3, 36, 48, 3), np.uint8)
        frames[..., 0] = red
        write_video(tmp_path / "videos" / "run" / f"v_run_g{group:02d}_c01.avi", frames)
    # The other class has test videos alone.
    write_video(tmp_path / "videos" / "walk" / "v_walk_g01_c01.avi", frames)
    dataset = prepare_tree(tmp_path, dev_share=0.0)
    # Mean of 40 and 60, each of one frame; their standard deviation is 10.
    assert dataset.pixel_mean == (50.0, 0.0, 0.0)
    assert dataset.pixel_std == (10.0, 0.0, 0.0)


@pytest.mark.parametrize("store", ["packed", "raw", "jpg"])
def test_preparing_again_changes_nothing(tmp_path: Path, store: str) -> None:
    write_tree(tmp_path / "videos")
    first = prepare(options(tmp_path, store=store))
    before = tree_bytes(tmp_path / "data")
    again = prepare(options(tmp_path, store=store))
    assert (first.reused, again.reused) == (0, 8)
    after = tree_bytes(tmp_path / "data")
    for tree in (before, after):
        tree.pop("prepare_report.json")
    assert after == before
    assert again.digest == first.digest


def test_digest_is_of_the_data_alone(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos")
    first = prepare(options(tmp_path, dataset="x"))
    shutil.copytree(tmp_path / "videos", tmp_path / "elsewhere")
    moved = prepare(
        options(
            tmp_path, dataset="x", videos=tmp_path / "elsewhere", output=tmp_path / "b", n_jobs=2
        )
    )
    assert moved.digest == first.digest
    assert prepare(options(tmp_path, dataset="x", short_side=20)).digest != first.digest


def test_auto_store_follows_the_size(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos")
    assert prepare(options(tmp_path)).store == "raw"
    assert prepare(options(tmp_path, raw_limit_gib=1e-9)).store == "packed"


def test_bad_files_are_reported_and_the_run_goes_on(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    write_tree(videos)
    shutil.copy(videos / "run" / "v_run_g08_c01.avi", videos / "run" / "v_run_g11_c01.avi")
    shutil.copy(videos / "run" / "v_run_g09_c01.avi", videos / "walk" / "v_run_g09_c01.mkv")
    (videos / "run" / "v_run_g12_c01.avi").write_bytes(b"")
    (videos / "walk" / "v_walk_g12_c01.mp4").write_text("not a video")
    (tmp_path / "outside.avi").write_bytes((videos / "run" / "v_run_g10_c01.avi").read_bytes())
    (videos / "run" / "v_run_g13_c01.avi").symlink_to(tmp_path / "outside.avi")
    (videos / "loose.avi").write_bytes(b"x")
    (videos / "walk" / "notes.txt").write_text("passed over")
    report = prepare(options(tmp_path, max_bad_share=0.5, on_duplicates="drop"))
    assert report.videos == 8
    reasons = {bad.name: bad.reason for bad in report.bad}
    assert reasons == {
        "run/v_run_g11_c01.avi": "duplicate of 'run/v_run_g08_c01.avi'",
        "walk/v_run_g09_c01.mkv": "duplicate of 'run/v_run_g09_c01.avi'",
        "run/v_run_g12_c01.avi": "empty file",
        "walk/v_walk_g12_c01.mp4": "not a readable video",
        "run/v_run_g13_c01.avi": "is a link that leaves the video folder, to "
        f"{tmp_path / 'outside.avi'}",
        "loose.avi": "lies in no class folder",
    }
    text = "\n".join(report.lines())
    assert "bad files: 6" in text
    assert all(reason in text for reason in reasons.values())
    written = json.loads((tmp_path / "data" / "prepare_report.json").read_text())
    assert len(written["bad"]) == 6


def test_duplicates_that_are_dropped_as_asked_are_no_bad_files(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    write_tree(videos)
    for number in (11, 12):
        shutil.copy(
            videos / "run" / "v_run_g08_c01.avi", videos / "run" / f"v_run_g{number}_c01.avi"
        )
    report = prepare(options(tmp_path, on_duplicates="drop", max_bad_share=0.0))
    assert report.videos == 8
    assert [bad.reason for bad in report.bad] == ["duplicate of 'run/v_run_g08_c01.avi'"] * 2


def test_too_many_bad_files_are_an_error(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos")
    (tmp_path / "videos" / "run" / "v_run_g12_c01.avi").write_bytes(b"")
    with pytest.raises(DataError, match=r"1 of 9 files are bad, more than max_bad_share=0\.05"):
        prepare(options(tmp_path))
    assert not (tmp_path / "data" / "manifest.json").exists()


@pytest.mark.parametrize(
    "name",
    ["two words", 'it\'s "quoted"', "größe-日本", "100%", "-dash", "new\nline", "~x", "a" * 230],
)
def test_hostile_names_are_stored_safely(tmp_path: Path, name: str) -> None:
    frames = smooth_frames(6)
    write_video(tmp_path / "plain.avi", frames)
    target = tmp_path / "videos" / "clá ss" / f"{name}.avi"
    target.parent.mkdir(parents=True)
    (tmp_path / "plain.avi").rename(target)
    write_video(tmp_path / "videos" / "other" / "plain.avi", smooth_frames(3))
    dataset = prepare_tree(tmp_path)
    (video,) = (each for each in dataset.videos("train") if each.label_name == "clá ss")
    assert (video.id, video.label_name) == (name, "clá ss")
    assert video.file.isascii()
    assert "/".join(Path(video.file).parts[:1]) == "frames"
    assert np.array_equal(dataset.frames(video, range(6)), frames)


def test_a_name_that_is_not_text_is_a_bad_file(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos")
    source = tmp_path / "videos" / "run" / "v_run_g08_c01.avi"
    os.rename(source, os.fsencode(source.parent) + b"/caf\xe9.avi")  # noqa: PTH104
    report = prepare(options(tmp_path, max_bad_share=0.5, on_duplicates="drop"))
    assert [bad.reason for bad in report.bad] == ["name is not UTF-8"]


def annotate(path: Path, database: dict[str, tuple[str, str]], labels: list[str]) -> Path:
    content = {
        "labels": labels,
        "database": {
            name: {"subset": subset, "annotations": {"label": label}}
            for name, (subset, label) in database.items()
        },
    }
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_an_annotation_rules(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos")
    shutil.copy(
        tmp_path / "videos" / "run" / "v_run_g09_c01.avi", tmp_path / "videos" / "walk" / "odd.avi"
    )
    (tmp_path / "videos" / "walk" / "odd.avi").open("ab").write(b"0")
    database = {
        "v_run_g01_c01": ("training", "run"),
        "v_run_g08_c01": ("validation", "run"),
        "v_walk_g01_c01": ("validation", "walk"),
        "v_walk_g08_c01": ("training", "walk"),
        "v_walk_g09_c01": ("training", "run"),
        "../../etc/passwd": ("training", "run"),
        "gone": ("training", "run"),
        "odd": ("training", "walk"),
    }
    path = annotate(tmp_path / "mine.json", database, ["walk", "run"])
    report = prepare(options(tmp_path, annotation=path, max_bad_share=0.5, dev_share=0.0))
    assert {bad.name: bad.reason for bad in report.bad} == {
        "walk/v_walk_g09_c01.avi": "wrong class: in folder 'walk', annotated as 'run'",
        "../../etc/passwd": "leaves the video folder",
        "gone": "no such video file",
    }
    assert "3 videos are not in the annotation" in report.notes
    dataset = PreparedDataset.open(tmp_path / "data")
    assert dataset.labels == ("walk", "run")
    assert dataset.split == "mine"
    assert {v.id for v in dataset.videos("test")} == {"v_run_g08_c01", "v_walk_g01_c01"}
    assert {v.id: v.label for v in dataset.videos("train")} == {
        "v_run_g01_c01": 1,
        "v_walk_g08_c01": 0,
        "odd": 0,
    }


def test_contradictions_are_errors(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos", clips=2)
    leak = {
        "v_run_g08_c01": ("training", "run"),
        "v_run_g08_c02": ("validation", "run"),
    }
    path = annotate(tmp_path / "leak.json", leak, ["run"])
    with pytest.raises(DataError, match="group 'run_g08' is on two sides"):
        prepare(options(tmp_path, annotation=path))
    lone = {"v_run_g08_c01": ("training", "run")}
    path = annotate(tmp_path / "empty.json", lone, ["run", "jump"])
    with pytest.raises(DataError, match=r"no usable video for 1 of 2 labels \(jump\)"):
        prepare(options(tmp_path, annotation=path))
    assert not (tmp_path / "data").exists()


def test_nothing_to_prepare(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder of videos"):
        prepare(options(tmp_path))
    (tmp_path / "videos" / "run").mkdir(parents=True)
    with pytest.raises(DataError, match="no videos there"):
        prepare(options(tmp_path))
    (tmp_path / "videos" / "a.avi").write_bytes(b"x")
    with pytest.raises(DataError, match="one folder per class"):
        prepare(options(tmp_path))
    assert not (tmp_path / "data").exists()


def test_names_without_groups_are_split_with_a_note(tmp_path: Path) -> None:
    for label in ("a", "b"):
        for number in range(10):
            content = smooth_frames(3, seed=100 * ord(label) + number)
            write_video(tmp_path / "videos" / label / f"{label}{number}.avi", content)
    report = prepare(options(tmp_path, test_share=0.3, dev_share=0.2))
    assert (report.test, report.dev, report.train) == (6, 2, 12)
    assert report.split == "seeded-1"
    assert any("no official split: 30%" in note for note in report.notes)


def test_thesis_frame_tree_is_prepared(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos")
    made = prepare_tree(tmp_path, store="jpg", output=tmp_path / "tree")
    again = prepare_tree(tmp_path, videos=tmp_path / "tree" / "frames")
    assert {v.id for v in again.videos("test")} == {v.id for v in made.videos("test")}
    for old, new in zip(made.videos("train"), again.videos("train"), strict=True):
        assert np.array_equal(made.frames(old, [0, 5]), again.frames(new, [0, 5]))


def test_verify(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos")
    prepare(options(tmp_path))
    checked = prepare(options(tmp_path, verify=True))
    assert "verified: every stored video has the manifest's checksum" in checked.notes
    files = sorted((tmp_path / "data" / "frames").rglob("*.vcf"))
    content = bytearray(files[0].read_bytes())
    content[100] ^= 255
    files[0].write_bytes(content)
    files[1].unlink()
    with pytest.raises(DataError, match="2 of 8 stored videos differ.*checksum differs"):
        prepare(options(tmp_path, verify=True))
    with pytest.raises(DataError, match="no prepared data there"):
        prepare(options(tmp_path, verify=True, output=tmp_path / "none"))


def test_edited_manifest_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos")
    prepare(options(tmp_path))
    path = tmp_path / "data" / "manifest.json"
    text = path.read_text()
    path.write_text(text.replace('"test"', '"train"'))
    with pytest.raises(DataError, match="was edited"):
        PreparedDataset.open(tmp_path / "data")
    path.write_text(text[:100])
    with pytest.raises(DataError, match="damaged"):
        PreparedDataset.open(tmp_path / "data")
    path.write_text("{}")
    with pytest.raises(DataError, match="not a manifest of format 1"):
        PreparedDataset.open(tmp_path / "data")


def test_the_newest_data_set_is_found(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mlflow run \. -e prepare"):
        find_prepared(tmp_path, None)
    write_tree(tmp_path / "videos")
    for number, name in enumerate(("first", "second")):
        prepare(options(tmp_path, output=None, root_path=tmp_path / "all", dataset=name))
        manifest = tmp_path / "all" / name / "manifest.json"
        os.utime(manifest, (1000 - number, 1000 - number))
    assert find_prepared(tmp_path / "all").name == "first"
    assert find_prepared(tmp_path / "all", "second").name == "second"
    with pytest.raises(DataError, match="no prepared data there"):
        find_prepared(tmp_path / "all", "third")


def test_two_at_once_do_not_undo_each_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_tree(tmp_path / "videos")
    caplog.set_level("INFO", logger="vcc.files")
    with ThreadPoolExecutor() as pool:
        reports = list(pool.map(prepare, [options(tmp_path)] * 3))
    assert len({report.digest for report in reports}) == 1
    assert [report.reused for report in reports].count(0) == 1
    assert "another process is writing there" in caplog.text
    assert not list(PreparedDataset.open(reports[0].root).root.rglob(".partial-*"))


def _killed(_job: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path / "videos")
    monkeypatch.setattr("vcc.data.prepare.workers.convert", _killed)
    with pytest.raises(DataError, match="a worker process was killed .* run again") as caught:
        prepare(options(tmp_path, n_jobs=2))
    assert "\n" not in str(caught.value)


def test_another_split_of_the_same_data_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos")
    dataset = prepare_tree(tmp_path, dataset="x")
    dataset.check_split(name="x", split="split1")
    dataset.check_split(name="other", split="split2")
    dataset.check_split(name="x", split="split2", force=True)
    with pytest.raises(DataError, match="trained on split 'split2' of x, this is split 'split1'"):
        dataset.check_split(name="x", split="split2")
    with pytest.raises(DataError, match="no subset 'tests': did you mean test"):
        dataset.videos("tests")


def test_survfight(shared: Path, tmp_path: Path) -> None:
    # A few of the real clips, with the annotation cut down to them.
    content = json.loads((shared / "videos" / "survfight.json").read_text())
    names = [n for n in content["database"] if n.endswith(("01", "02"))]
    content["database"] = {name: content["database"][name] for name in names}
    (tmp_path / "some.json").write_text(json.dumps(content))
    report = prepare(
        options(
            tmp_path,
            videos=shared / "videos" / "survfight",
            annotation=tmp_path / "some.json",
            store="packed",
        )
    )
    assert report.videos == len(names)
    assert report.bad == ()
    dataset = PreparedDataset.open(tmp_path / "data")
    assert all(min(v.height, v.width) == 128 for v in dataset.manifest.videos)
