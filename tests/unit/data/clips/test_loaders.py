"""Batches: the same for any number of workers, resumable, complete, and in order."""

from __future__ import annotations

import logging
import random
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from clip_batches import clip_dataset, equal, options
from data_videos import prepare_tree, write_tree

from vcc.data.clips.loaders import EpochSampler, train_loader, usable_workers, video_loader
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import DataError


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    return clip_dataset(tmp_path_factory.mktemp("loaders"))


def test_training_batches(dataset: PreparedDataset) -> None:
    videos = dataset.videos("train")
    batches = list(train_loader(dataset, options(), epoch=0))
    assert [len(b.labels) for b in batches] == [5, 5, 2]
    assert batches[0].clips.shape == (5, 3, 4, 24, 24)
    assert {b.clips.dtype for b in batches} == {torch.uint8}
    assert {b.labels.dtype for b in batches} == {b.videos.dtype for b in batches} == {torch.int64}
    seen = torch.cat([b.videos for b in batches]).tolist()
    assert sorted(seen) == list(range(len(videos)))
    assert torch.cat([b.labels for b in batches]).tolist() == [videos[v].label for v in seen]


def test_same_clips_for_any_number_of_workers(dataset: PreparedDataset) -> None:
    alone = list(train_loader(dataset, options(), epoch=3))
    assert equal(alone, list(train_loader(dataset, options(n_threads=2), epoch=3)))


def test_epoch_and_seed_decide_and_nothing_else(dataset: PreparedDataset) -> None:
    third = list(train_loader(dataset, options(), epoch=3))
    list(train_loader(dataset, options(), epoch=4))
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002
    random.seed(99)
    assert equal(third, list(train_loader(dataset, options(), epoch=3)))
    assert not equal(third, list(train_loader(dataset, options(), epoch=4)))
    assert not equal(third, list(train_loader(dataset, options(manual_seed=2), epoch=3)))


def test_workers_start_after_opencv_worked_in_this_process(dataset: PreparedDataset) -> None:
    # A picture of this size is what OpenCV starts threads for, which workers would not have.
    assert cv2.getNumThreads() == 1
    cv2.resize(np.zeros((2000, 2000, 3), np.uint8), (1500, 1500))
    alone = list(train_loader(dataset, options(), epoch=0))
    assert equal(alone, list(train_loader(dataset, options(n_threads=2), epoch=0)))


@pytest.mark.parametrize("n_threads", [0, 2])
def test_the_global_random_state_is_left_alone(dataset: PreparedDataset, n_threads: int) -> None:
    before = torch.random.get_rng_state()
    list(train_loader(dataset, options(n_threads=n_threads), epoch=0))
    list(video_loader(dataset, "dev", ClipProtocol(24, 4), n_threads=n_threads))
    assert torch.equal(before, torch.random.get_rng_state())


def test_ranks_share_an_epoch() -> None:
    whole = list(EpochSampler(7, epoch=2, seed=1))
    first = list(EpochSampler(7, epoch=2, seed=1, rank=0, world_size=2))
    second = list(EpochSampler(7, epoch=2, seed=1, rank=1, world_size=2))
    assert len(first) == len(second) == 4
    assert first == whole[0::2]
    # Seven videos do not divide by two: the last one taken is the first again.
    assert second == [*whole[1::2], whole[0]]
    assert {epoch for epoch, _ in whole} == {2}


def test_a_lone_last_clip_is_left_out(dataset: PreparedDataset) -> None:
    assert len(dataset.videos("train")) == 12
    assert [len(b.labels) for b in train_loader(dataset, options(batch_size=11), epoch=0)] == [11]


def test_videos_come_in_order_and_complete(dataset: PreparedDataset) -> None:
    protocol = ClipProtocol(24, 4)
    loader = video_loader(dataset, "test", protocol, n_threads=0, clips_per_batch=5)
    batches = list(loader)
    assert all(len(b.labels) <= 5 for b in batches)
    # Videos of 10 and 11 frames: three clips of 4 each.
    videos = torch.cat([b.videos for b in batches]).tolist()
    assert videos == [v for v in range(8) for _ in range(3)]
    clips = torch.cat([b.clips for b in batches])
    expected = [
        protocol.clips(dataset.frames(record, range(record.n_frames)))
        for record in dataset.videos("test")
    ]
    assert torch.equal(clips, torch.cat(expected))
    labels = torch.cat([b.labels for b in batches]).tolist()
    assert labels == [dataset.videos("test")[v].label for v in videos]
    assert equal(
        batches, list(video_loader(dataset, "test", protocol, n_threads=2, clips_per_batch=5))
    )


def test_some_clips_of_each_video(dataset: PreparedDataset) -> None:
    protocol = ClipProtocol(24, 4)
    loader = video_loader(dataset, "dev", protocol, n_threads=0, clips_per_video=2)
    record = dataset.videos("dev")[0]
    every = protocol.clips(dataset.frames(record, range(record.n_frames)))
    assert torch.equal(next(iter(loader)).clips[:2], every[[0, 2]])


def test_empty_subsets_are_named(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos", groups=(8,))
    lone = prepare_tree(tmp_path)
    with pytest.raises(DataError, match="no dev videos; prepare again"):
        video_loader(lone, "dev", ClipProtocol(24, 4), n_threads=0)
    write_tree(tmp_path / "only_test" / "videos", groups=(1, 8))
    testing = prepare_tree(tmp_path / "only_test")
    testing._by_subset["train"] = ()
    with pytest.raises(DataError, match="no train videos"):
        train_loader(testing, options(), epoch=0)


def test_workers_are_capped_with_a_log_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vcc.data.clips.loaders.usable_cores", lambda: 3)
    usable_workers.cache_clear()
    with caplog.at_level(logging.INFO):
        assert [usable_workers(n) for n in (0, 2, 16, 16)] == [0, 2, 3, 3]
    usable_workers.cache_clear()
    message = "n_threads: 3 loader workers, one per core, not 16"
    assert [record.message for record in caplog.records] == [message]


def test_direction_sensitive_data_is_not_flipped(dataset: PreparedDataset) -> None:
    plain = options(train_crop="center", brightness=0.0)
    clips = [b for e in range(4) for b in train_loader(dataset, plain, epoch=e)]
    dataset.direction_sensitive = True
    sensitive = [b for e in range(4) for b in train_loader(dataset, plain, epoch=e)]
    dataset.direction_sensitive = False
    assert not equal(clips, sensitive)
