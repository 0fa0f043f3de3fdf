"""Training clips: drawn by seed, epoch and video, and seen by a teacher at the same moment."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from clip_batches import equal, options

from vcc.data.clips.loaders import train_loader
from vcc.data.clips.train_clips import ClipBatch, TaughtBatch, TrainClips, made_batch
from vcc.data.store.prepared import PreparedDataset


def test_a_clip_is_named_by_epoch_and_video(clip_data: PreparedDataset) -> None:
    clips = TrainClips(clip_data, options())
    assert len(clips) == len(clip_data.videos("train"))
    batch = clips.__getitems__([(0, 3), (1, 3), (0, 0)])
    assert isinstance(batch, ClipBatch)
    assert batch.clips.shape == (3, 3, 4, 24, 24)
    assert batch.videos.tolist() == [3, 3, 0]
    videos = clip_data.videos("train")
    assert batch.labels.tolist() == [videos[3].label, videos[3].label, videos[0].label]
    # Another epoch is another draw; the same one is the same, whatever was drawn before.
    assert not torch.equal(batch.clips[0], batch.clips[1])
    assert torch.equal(clips.__getitems__([(0, 3)]).clips[0], batch.clips[0])
    other = TrainClips(clip_data, options(manual_seed=2)).__getitems__([(0, 3)])
    assert not torch.equal(other.clips[0], batch.clips[0])


def test_memory_is_that_of_the_clips(clip_data: PreparedDataset) -> None:
    own, teacher = options(), options(sample_size=16, sample_duration=2)
    assert TrainClips(clip_data, own).bytes_of(5) == 5 * 3 * 4 * 24 * 24
    assert TrainClips(clip_data, own, teacher).bytes_of(1) == 3 * (4 * 24**2 + 2 * 16**2)


def test_a_batch_is_made_without_a_copy_of_its_clips() -> None:
    clips = np.zeros((2, 3, 1, 4, 4), np.uint8)
    batch = made_batch(clips, [1, 0], [7, 5])
    clips[0] = 9
    assert batch.clips[0].unique().tolist() == [9]
    assert (batch.labels.tolist(), batch.videos.tolist()) == ([1, 0], [7, 5])
    assert batch.labels.dtype == batch.videos.dtype == torch.int64


def test_a_teacher_sees_the_same_moment_in_its_own_clips(clip_data: PreparedDataset) -> None:
    own = options(sample_duration=2, downsample=2, sample_size=16)
    teacher = options()
    alone = list(train_loader(clip_data, own, epoch=2))
    taught: list[Any] = list(train_loader(clip_data, own, epoch=2, teacher=teacher))
    assert all(isinstance(batch, TaughtBatch) for batch in taught)
    assert equal(alone, [batch[:3] for batch in taught])
    assert taught[0].teacher_clips.shape == (5, 3, 4, 24, 24)
    # of equal span, every second of the teacher's frames is the student's: the same crop and colour
    same = options(sample_duration=2, downsample=2)
    for batch in train_loader(clip_data, same, epoch=2, teacher=teacher):
        assert isinstance(batch, TaughtBatch)
        difference = batch.teacher_clips[:, :, ::2].int() - batch.clips.int()
        # Stacks of other heights are scaled by themselves: they may be rounded apart, not more.
        assert difference.abs().max() <= 1
        assert (difference != 0).float().mean() < 0.01
