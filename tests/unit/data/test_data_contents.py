"""Training videos are known again by their contents, and names are checked before work."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from data_videos import prepare_tree, write_tree

from vcc.data.contents import seen_videos, training_contents
from vcc.data.names import check_dataset_name, check_label, check_run_name
from vcc.data.prepared import PreparedDataset, find_prepared
from vcc.errors import DataError


def swapped(dataset: PreparedDataset, name: str) -> PreparedDataset:
    """The same videos under another name, with training and test videos changed over."""
    other = {"train": "test", "dev": "test", "test": "train"}
    videos = tuple(
        dataclasses.replace(v, id=f"new_{v.id}", subset=other[v.subset])
        for v in dataset.manifest.videos
    )
    return PreparedDataset(
        dataset.root, dataclasses.replace(dataset.manifest, name=name, videos=videos)
    )


def test_a_training_video_is_found_whatever_it_is_called(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos", labels=("run", "walk"), frames=5)
    dataset = prepare_tree(tmp_path, store="raw", short_side=20, output=tmp_path / "data" / "a")
    contents = training_contents(dataset)
    assert seen_videos(contents, dataset) == []
    other = swapped(dataset, "b")
    assert seen_videos(contents, other) == [video.id for video in other.videos("test")]
    # Frames of another size have other bytes; their source has not.
    small = prepare_tree(tmp_path, store="raw", short_side=16, output=tmp_path / "data" / "c")
    checksums = {video.checksum for video in dataset.manifest.videos}
    assert not checksums & {video.checksum for video in small.manifest.videos}
    assert seen_videos(training_contents(small), dataset) == []
    both = training_contents(small, also=contents)
    assert len(seen_videos(both, swapped(small, "d"))) == len(swapped(small, "d").videos("test"))
    for video in small.videos("train"):
        assert video.id in {v.id for v in dataset.videos("train")}
    seen = {v.id for v in dataset.videos("train")} | {v.id for v in dataset.videos("dev")}
    moved = dataclasses.replace(
        small.manifest,
        videos=tuple(dataclasses.replace(v, subset="test") for v in small.manifest.videos),
    )
    assert set(seen_videos(contents, PreparedDataset(small.root, moved))) == seen


@pytest.mark.parametrize("contents", ["%%%", "AAAA", "é"])
def test_contents_that_are_none(contents: str, tmp_path: Path) -> None:
    write_tree(tmp_path / "videos", labels=("run", "walk"), frames=5)
    dataset = prepare_tree(tmp_path, store="raw", short_side=20, output=tmp_path / "data" / "a")
    with pytest.raises(DataError, match="does not say properly"):
        seen_videos(contents, dataset)


BAD_NAMES = ["a:b", "x/y", "../up", "..", ".hidden", "", " ", "a\nb", "a@b", "a'b", "x" * 101]


@pytest.mark.parametrize("name", [*BAD_NAMES, "a-onnx", "a-video"])
def test_names_that_a_registry_or_a_disk_cannot_hold(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="dataset"):
        check_dataset_name(name)
    with pytest.raises(DataError, match="dataset"):
        find_prepared(tmp_path, name)


@pytest.mark.parametrize("name", ["motion", "ucf101", "My data 2", "été-1.0", "a_b"])
def test_names_that_can_be_used(name: str) -> None:
    check_dataset_name(name)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x00", "x" * 201])
def test_labels_and_runs_are_printable(name: str) -> None:
    with pytest.raises(DataError, match="label"):
        check_label(name)
    with pytest.raises(DataError, match="run_name"):
        check_run_name(name)
    check_label("Pommel horse $ (1)")
