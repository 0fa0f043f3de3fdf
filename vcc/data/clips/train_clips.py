"""Training clips: one random clip of each video and epoch, and a teacher's clip of the same moment.

Every draw is seeded by (manual_seed, epoch, video): the clips of an epoch are the same for any
number of worker processes, with a teacher and without.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from vcc.config.data import ClipOptions
from vcc.data.clips.scratch import Scratch
from vcc.data.clips.spatial import Crop, TrainTransform
from vcc.data.clips.temporal import Indices, random_window, window_around
from vcc.data.store.frames import Frames
from vcc.data.store.prepared import PreparedDataset, VideoRecord

# Told apart from the order's draws (`loaders`) by a last word of the key.
_CLIP_STREAM = 1


class ClipBatch(NamedTuple):
    """Clips uint8 [N, 3, T, H, W] in RGB, labels int64 [N], videos int64 [N].

    `videos` are positions in `dataset.videos(subset)`.
    """

    clips: torch.Tensor
    labels: torch.Tensor
    videos: torch.Tensor


class TaughtBatch(NamedTuple):
    """A `ClipBatch` with the same moments as a teacher of other clips looks at them.

    `teacher_clips` are uint8 [N, 3, T, H, W] of the teacher's shape: the same crops, flips and
    colours, around the same frames.
    """

    clips: torch.Tensor
    labels: torch.Tensor
    videos: torch.Tensor
    teacher_clips: torch.Tensor


class TrainClips(Dataset[ClipBatch | TaughtBatch]):
    """One random clip per training video and epoch, fetched by lists of (epoch, video).

    Args:
        dataset: its training videos.
        options: how clips are made.
        teacher: how a teacher's clips are made of the same moments; None without one. What is
            drawn for the others stays the same.
    """

    def __init__(
        self, dataset: PreparedDataset, options: ClipOptions, teacher: ClipOptions | None = None
    ) -> None:
        self._dataset = dataset
        self._options = options
        self._teacher = teacher
        flip = not dataset.direction_sensitive
        self._transform = TrainTransform(options, flip=flip)
        self._teacher_transform = TrainTransform(teacher, flip=flip) if teacher else None
        self._videos = dataset.videos("train")
        self._scratch = Scratch()

    def __len__(self) -> int:
        return len(self._videos)

    def bytes_of(self, count: int) -> int:
        """Return the size in bytes of a batch of that many clips, the teacher's included."""
        kinds = [each for each in (self._options, self._teacher) if each is not None]
        return sum(3 * each.sample_duration * each.sample_size**2 for each in kinds) * count

    def __getitems__(self, keys: Sequence[tuple[int, int]]) -> ClipBatch | TaughtBatch:
        clips = _empty_clips(len(keys), self._options)
        taught = _empty_clips(len(keys), self._teacher) if self._teacher else None
        for place, (epoch, video) in enumerate(keys):
            self._fill(epoch, video, clips[place], None if taught is None else taught[place])
        labels = [self._videos[video].label for _, video in keys]
        batch = made_batch(clips, labels, [video for _, video in keys])
        return batch if taught is None else TaughtBatch(*batch, torch.from_numpy(taught))

    def _fill(self, epoch: int, video: int, clip: Frames, taught: Frames | None) -> None:
        options, record = self._options, self._videos[video]
        rng = np.random.default_rng((options.manual_seed, epoch, video, _CLIP_STREAM))
        size, stride = options.sample_duration, options.downsample
        window = random_window(record.n_frames, rng, size=size, stride=stride)
        crop = self._transform.draw(record.height, record.width, rng)
        if taught is None or self._teacher is None or self._teacher_transform is None:
            self._write(record, window, crop, self._transform, clip, rng)
            return
        # Augmentation draws the same for both. Copying a generator takes as long as cropping.
        again = copy.deepcopy(rng)
        self._write(record, window, crop, self._transform, clip, rng)
        around = window_around(
            record.n_frames,
            begin=int(window[0]),
            span=size * stride,
            size=self._teacher.sample_duration,
            stride=self._teacher.downsample,
        )
        self._write(record, around, crop, self._teacher_transform, taught, again)

    def _write(
        self,
        record: VideoRecord,
        window: Indices,
        crop: Crop,
        transform: TrainTransform,
        clip: Frames,
        rng: np.random.Generator,
    ) -> None:
        frames = self._dataset.read_box(record, window, crop.box, scratch=self._scratch)
        transform.write_clip(frames, clip, rng, flipped=crop.flipped)


def made_batch(
    clips: np.ndarray[Any, Any], labels: Sequence[int], videos: Sequence[int]
) -> ClipBatch:
    """Return clips uint8 [N, 3, T, H, W] with their labels and videos as tensors."""
    numbers = np.array((labels, videos), np.int64)
    return ClipBatch(torch.from_numpy(clips), *torch.from_numpy(numbers))


def _empty_clips(count: int, options: ClipOptions) -> Frames:
    size = options.sample_size
    return np.empty((count, 3, options.sample_duration, size, size), np.uint8)
