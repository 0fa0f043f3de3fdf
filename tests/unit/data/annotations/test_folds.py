"""Folds for cross-validation: whole groups, every video tested once, dev apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from data_videos import prepare_tree, smooth_frames, write_tree, write_video

from vcc.data.annotations.folds import fold_datasets
from vcc.data.store.prepared import PreparedDataset
from vcc.data.store.sources import SOURCES_NAME, source_sizes
from vcc.errors import DataError


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    root = tmp_path_factory.mktemp("folds")
    write_tree(root / "videos", groups=(1, 2, 8, 9, 10, 11, 12), clips=2)
    return prepare_tree(root)


def test_every_video_is_tested_once_and_no_group_is_on_two_sides(dataset: PreparedDataset) -> None:
    folds = fold_datasets(dataset, 3, seed=1)
    tested = [record.id for fold in folds for record in fold.videos("test")]
    assert sorted(tested) == sorted(record.id for record in dataset.manifest.videos)
    for fold in folds:
        groups = {
            subset: {(v.label, v.group) for v in fold.videos(subset)}
            for subset in ("train", "dev", "test")
        }
        assert not groups["train"] & groups["test"]
        assert not groups["dev"] & (groups["train"] | groups["test"])
        assert {v.label for v in fold.videos("train")} == {0, 1}
        assert len(fold.manifest.videos) == len(dataset.manifest.videos)


def test_folds_differ_in_digest_and_share_the_frames(dataset: PreparedDataset) -> None:
    first, second = fold_datasets(dataset, 2, seed=1)
    assert len({first.digest, second.digest, dataset.digest}) == 3
    assert first.split.endswith("fold 1 of 2, seed 1")
    record = first.videos("test")[0]
    assert first.frames(record, [0]).shape[0] == 1


def test_a_seed_gives_the_same_folds(dataset: PreparedDataset) -> None:
    once, again = (fold_datasets(dataset, 3, seed=5) for _ in range(2))
    assert [fold.digest for fold in once] == [fold.digest for fold in again]
    other = fold_datasets(dataset, 3, seed=6)
    assert [fold.digest for fold in once] != [fold.digest for fold in other]


def test_more_folds_than_groups_is_an_error(dataset: PreparedDataset) -> None:
    with pytest.raises(DataError, match=r"folds: .* 14 groups of videos, too few for 15 folds"):
        fold_datasets(dataset, 15, seed=1)


def test_the_size_of_a_source_is_kept_though_frames_are_scaled(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos", groups=(1, 8))
    odd = tmp_path / "videos" / "run" / "v_run_g09_c01.avi"
    write_video(odd, smooth_frames(5, height=60, width=100))
    dataset = prepare_tree(tmp_path, short_side=16)
    sizes = source_sizes(dataset.root, dataset.manifest.videos)
    assert sizes is not None
    by_id = dict(zip((v.id for v in dataset.manifest.videos), sizes, strict=True))
    assert by_id.pop("v_run_g09_c01") == (100, 60)
    assert set(by_id.values()) == {(48, 36)}
    (dataset.root / SOURCES_NAME).unlink()
    assert source_sizes(dataset.root, dataset.manifest.videos) is None
