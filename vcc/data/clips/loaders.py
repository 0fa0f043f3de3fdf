"""Batches of clips for training and for evaluation.

Every random draw of training is seeded by (manual_seed, epoch, video), so that the clips of an
epoch are the same for any number of worker processes and for a run that was resumed; the global
random state is neither used nor touched. Clips stay uint8 until they are on the device.
"""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from vcc.config.data import ClipOptions
from vcc.data.clips.clip_loader import ClipLoader
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.clips.temporal import spread
from vcc.data.clips.train_clips import ClipBatch, TaughtBatch, TrainClips, made_batch
from vcc.data.machine import usable_cores
from vcc.data.shared_memory import fitting_workers
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import DataError

logger = logging.getLogger(__name__)

# Told apart from the clips' draws (`train_clips`) by a last word of the key.
_ORDER_STREAM = 0


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

    @property
    def batch_bytes(self) -> int:
        """Size of the largest batch in bytes."""
        clips = max(map(len, self._batches), default=0)
        return clips * math.prod(self._protocol.clip_shape)

    def __getitem__(self, index: int) -> ClipBatch:
        wanted = self._batches[index]
        clips = np.empty((len(wanted), *self._protocol.clip_shape), np.uint8)
        for clip, (video, number) in zip(clips, wanted, strict=True):
            record = self._videos[video]
            window = self._protocol.clip_indices(record.n_frames)[number]
            self._protocol.write_clip(self._dataset.frame_list(record, window), clip)
        videos = [video for video, _ in wanted]
        return made_batch(clips, [self._videos[video].label for video in videos], videos)


def train_loader(
    dataset: PreparedDataset,
    options: ClipOptions,
    *,
    epoch: int,
    rank: int = 0,
    world_size: int = 1,
    teacher: ClipOptions | None = None,
) -> ClipLoader[ClipBatch | TaughtBatch]:
    """Return one epoch of training batches; make a fresh loader for every epoch.

    Args:
        dataset: prepared data.
        options: clips, augmentation, batch size and workers.
        epoch: counted from 0 over the whole training, resumed or not.
        rank: of this process.
        world_size: number of processes; each gets its share of the videos.
        teacher: how a teacher's clips of the same moments are made: batches are `TaughtBatch` then.

    Raises:
        DataError: the data set has no training videos.
    """
    clips = TrainClips(dataset, options, teacher)
    _require(dataset, "train", len(clips))
    sampler = EpochSampler(
        len(clips), epoch=epoch, seed=options.manual_seed, rank=rank, world_size=world_size
    )
    # Batch norm cannot train on a single value per channel, which one small clip may be.
    lone_clip = len(sampler) > 1 and len(sampler) % options.batch_size == 1
    return ClipLoader(
        clips,
        batch_size=options.batch_size,
        sampler=sampler,
        drop_last=lone_clip,
        collate_fn=_as_it_is,
        generator=torch.Generator(),
        **_worker_settings(options.n_threads, clips.bytes_of(options.batch_size)),
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
) -> ClipLoader[ClipBatch]:
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
    return ClipLoader(
        clips,
        batch_size=None,
        sampler=range(rank, len(clips), world_size),
        generator=torch.Generator(),
        **_worker_settings(n_threads, clips.batch_bytes),
    )


def _require(dataset: PreparedDataset, subset: str, count: int) -> None:
    if not count:
        msg = (
            f"{dataset.root}: no {subset} videos; prepare again with more videos "
            "(dev and test take whole groups) or another annotation"
        )
        raise DataError(msg)


def _worker_settings(n_threads: int, batch_bytes: int) -> dict[str, Any]:
    return {
        "num_workers": fitting_workers(usable_workers(n_threads), batch_bytes),
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
