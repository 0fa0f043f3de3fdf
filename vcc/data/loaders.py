"""Batches of clips for training and for evaluation.

Every random draw of training is seeded by (manual_seed, epoch, video), so that the clips of an
epoch are the same for any number of worker processes and for a run that was resumed; the global
random state is neither used nor touched. Clips stay uint8 until they are on the device.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from vcc.config.data import ClipOptions
from vcc.data.machine import usable_cores
from vcc.data.prepared import PreparedDataset
from vcc.data.protocol import ClipProtocol
from vcc.data.spatial import TrainTransform
from vcc.data.stored_frames import Frames
from vcc.data.temporal import random_window, spread
from vcc.errors import DataError

logger = logging.getLogger(__name__)

# Streams of random numbers that share a seed are told apart by a last word of the key.
_ORDER_STREAM = 0
_CLIP_STREAM = 1


class ClipBatch(NamedTuple):
    """Clips uint8 [N, 3, T, H, W] in RGB, labels int64 [N], videos int64 [N].

    `videos` are positions in `dataset.videos(subset)`.
    """

    clips: torch.Tensor
    labels: torch.Tensor
    videos: torch.Tensor


class EpochSampler(Sampler[tuple[int, int]]):
    """Yields (epoch, video) in an order that depends on seed and epoch alone.

    Each of `world_size` processes takes every `world_size`-th video from its rank on; the order is
    continued from its start until all take equally many.
    """

    def __init__(
        self, size: int, *, epoch: int, seed: int, rank: int = 0, world_size: int = 1
    ) -> None:
        self._size = size
        self._epoch = epoch
        self._seed = seed
        self._rank = rank
        self._world_size = world_size

    def __len__(self) -> int:
        return -(-self._size // self._world_size)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        rng = np.random.default_rng((self._seed, self._epoch, _ORDER_STREAM))
        order = rng.permutation(self._size)
        for position in range(len(self)):
            yield self._epoch, int(order[(self._rank + position * self._world_size) % self._size])


class TrainClips(Dataset[ClipBatch]):
    """One random clip per training video and epoch, fetched by lists of (epoch, video)."""

    def __init__(self, dataset: PreparedDataset, options: ClipOptions) -> None:
        self._dataset = dataset
        self._options = options
        self._transform = TrainTransform(options, flip=not dataset.direction_sensitive)
        self._videos = dataset.videos("train")
        # Kept from clip to clip: fresh memory of this size costs as much as filling it.
        self._memory: Frames = np.empty(0, np.uint8)

    def __len__(self) -> int:
        return len(self._videos)

    def __getitems__(self, keys: Sequence[tuple[int, int]]) -> ClipBatch:
        size, duration = self._options.sample_size, self._options.sample_duration
        clips = np.empty((len(keys), 3, duration, size, size), np.uint8)
        for clip, (epoch, video) in zip(clips, keys, strict=True):
            record = self._videos[video]
            rng = np.random.default_rng((self._options.manual_seed, epoch, video, _CLIP_STREAM))
            window = random_window(
                record.n_frames, rng, size=duration, stride=self._options.downsample
            )
            crop = self._transform.draw(record.height, record.width, rng)
            room = self._room(duration * crop.box.side * record.width * 3)
            frames = self._dataset.read_box(record, window, crop.box, room=room)
            self._transform.write_clip(frames, clip, rng, flipped=crop.flipped)
        labels = [self._videos[video].label for _, video in keys]
        return _batch(clips, labels, [video for _, video in keys])

    def _room(self, size: int) -> Frames:
        if self._memory.size < size:
            self._memory = np.empty(size, np.uint8)
        return self._memory


class VideoClips(Dataset[ClipBatch]):
    """All clips of all videos of a subset, in order, cut into batches beforehand."""

    def __init__(
        self,
        dataset: PreparedDataset,
        subset: str,
        protocol: ClipProtocol,
        *,
        clips_per_batch: int,
        clips_per_video: int = 0,
        least_batches: int = 1,
    ) -> None:
        self._dataset = dataset
        self._videos = dataset.videos(subset)
        self._protocol = protocol
        clips = [
            (video, int(clip))
            for video, record in enumerate(self._videos)
            for clip in spread(clips_per_video, len(protocol.clip_indices(record.n_frames)))
        ]
        size = min(clips_per_batch, max(1, len(clips) // least_batches))
        self._batches = [clips[i : i + size] for i in range(0, len(clips), size)]

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> ClipBatch:
        wanted = self._batches[index]
        clips = np.empty((len(wanted), *self._protocol.clip_shape), np.uint8)
        for clip, (video, number) in zip(clips, wanted, strict=True):
            record = self._videos[video]
            window = self._protocol.clip_indices(record.n_frames)[number]
            self._protocol.write_clip(self._dataset.frame_list(record, window), clip)
        videos = [video for video, _ in wanted]
        return _batch(clips, [self._videos[video].label for video in videos], videos)


def train_loader(
    dataset: PreparedDataset,
    options: ClipOptions,
    *,
    epoch: int,
    rank: int = 0,
    world_size: int = 1,
) -> DataLoader[ClipBatch]:
    """Return one epoch of training batches; make a fresh loader for every epoch.

    Args:
        dataset: prepared data.
        options: clips, augmentation, batch size and workers.
        epoch: counted from 0 over the whole training, resumed or not.
        rank: of this process.
        world_size: number of processes; each gets its share of the videos.

    Raises:
        DataError: the data set has no training videos.
    """
    clips = TrainClips(dataset, options)
    _require(dataset, "train", len(clips))
    sampler = EpochSampler(
        len(clips), epoch=epoch, seed=options.manual_seed, rank=rank, world_size=world_size
    )
    # Batch norm cannot train on a single value per channel, which one small clip may be.
    lone_clip = len(sampler) > 1 and len(sampler) % options.batch_size == 1
    return DataLoader(
        clips,
        batch_size=options.batch_size,
        sampler=sampler,
        drop_last=lone_clip,
        collate_fn=_as_it_is,
        generator=torch.Generator(),
        **_worker_settings(options.n_threads),
    )


def video_loader(
    dataset: PreparedDataset,
    subset: str,
    protocol: ClipProtocol,
    *,
    n_threads: int,
    clips_per_batch: int = 32,
    clips_per_video: int = 0,
    share: tuple[int, int] = (0, 1),
) -> DataLoader[ClipBatch]:
    """Return the clips of a subset's videos in order, by the protocol.

    Args:
        dataset: prepared data.
        subset: train, dev or test.
        protocol: which clips, which crop.
        n_threads: worker processes, at most the machine's cores; 0 for none.
        clips_per_batch: upper bound; a long video goes on in the next batch.
        clips_per_video: take only this many of each video's clips, spread evenly; 0 for all.
        share: (rank, number of processes); each process gets its share of the batches, at least
            one.

    Raises:
        DataError: the subset has no videos, or fewer clips than there are processes.
    """
    rank, world_size = share
    clips = VideoClips(
        dataset,
        subset,
        protocol,
        clips_per_batch=clips_per_batch,
        clips_per_video=clips_per_video,
        least_batches=world_size,
    )
    _require(dataset, subset, len(clips))
    if len(clips) < world_size:
        msg = f"{dataset.root}: {len(clips)} {subset} clips are too few for {world_size} processes"
        raise DataError(msg)
    return DataLoader(
        clips,
        batch_size=None,
        sampler=range(rank, len(clips), world_size),
        generator=torch.Generator(),
        **_worker_settings(n_threads),
    )


def _require(dataset: PreparedDataset, subset: str, count: int) -> None:
    if not count:
        msg = (
            f"{dataset.root}: no {subset} videos; prepare again with more videos "
            "(dev and test take whole groups) or another annotation"
        )
        raise DataError(msg)


def _worker_settings(n_threads: int) -> dict[str, Any]:
    return {
        "num_workers": usable_workers(n_threads),
        "pin_memory": torch.cuda.is_available(),
    }


@functools.cache
def usable_workers(n_threads: int) -> int:
    """Return how many workers to start: as many as asked for, at most one per usable core."""
    cores = usable_cores()
    if n_threads > cores:
        logger.info("n_threads: %d loader workers, one per core, not %d", cores, n_threads)
    return min(n_threads, cores)


def _as_it_is(batch: Any) -> Any:
    return batch


def _batch(clips: np.ndarray[Any, Any], labels: Sequence[int], videos: Sequence[int]) -> ClipBatch:
    numbers = np.array((labels, videos), np.int64)
    return ClipBatch(torch.from_numpy(clips), *torch.from_numpy(numbers))
