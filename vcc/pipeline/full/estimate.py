"""How long the whole path will take on this machine: a few steps are timed and multiplied."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from vcc.compression.schedule.loader import load_schedule
from vcc.compression.schedule.phases import last_epoch
from vcc.compression.schedule.shipped import default_schedule, find_schedule
from vcc.config.data import ClipOptions
from vcc.config.entrypoints import PipelineEntry
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.motion import N_GROUPS, N_TEST_GROUPS
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import VccError
from vcc.pipeline.pace import Calibration, calibrate_network
from vcc.progress import spoken

# Both networks are scored in PyTorch and as files.
_TEST_PASSES = 4
# Preparing, exporting, timing, registering and drawing: what they took of the README's run, on
# cores on which the loop below takes so long.
_REST_S = 37.0
_LOOP_S = 0.03
_LOOP_TURNS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Videos:
    """How many videos there are, and clips of the test videos."""

    n_classes: int
    train: int
    dev: int
    test_clips: int


def expected_videos(options: PipelineEntry) -> Videos | None:
    """Return how many videos the built-in data will have; None for a user's own."""
    if options.videos is not None:
        return None
    per_group = options.motion_classes * options.motion_clips
    train = (N_GROUPS - N_TEST_GROUPS) * per_group
    dev = round(options.dev_share * train)
    clips = len(_protocol(options).clip_indices(options.motion_frames))
    return Videos(
        n_classes=options.motion_classes,
        train=train - dev,
        dev=dev,
        test_clips=N_TEST_GROUPS * per_group * clips,
    )


def videos_of(dataset: PreparedDataset, options: PipelineEntry) -> Videos:
    """Return how many videos prepared data has."""
    protocol = _protocol(options)
    return Videos(
        n_classes=len(dataset.labels),
        train=len(dataset.videos("train")),
        dev=len(dataset.videos("dev")),
        test_clips=sum(
            len(protocol.clip_indices(video.n_frames)) for video in dataset.videos("test")
        ),
    )


def estimate_line(
    options: PipelineEntry, videos: Videos, *, clock: Callable[[], float] = time.perf_counter
) -> str:
    """Time a few steps and return a line on how long the whole path will take.

    Args:
        options: of the path.
        videos: how many there are.
        clock: seconds, from anywhere.
    """
    pace = calibrate_network(
        options.network(),
        options.pick(ClipOptions),
        n_classes=videos.n_classes,
        no_cuda=options.no_cuda,
        clock=clock,
    )
    seconds = _seconds(options, videos, pace) + _REST_S * _loop_seconds(clock) / _LOOP_S
    return f"this will take about {spoken(seconds)} on this machine, as it is used now"


def _seconds(options: PipelineEntry, videos: Videos, pace: Calibration) -> float:
    dev_clips = videos.dev * max(1, options.n_val_samples)
    epoch_s = videos.train * pace.train_s + dev_clips * pace.classify_s
    # As if every epoch of the compression cost what a dense one does: it becomes cheaper.
    epochs = options.n_epochs + _compression_epochs(options)
    return epochs * epoch_s + _TEST_PASSES * videos.test_clips * pace.classify_s


def _compression_epochs(options: PipelineEntry) -> int:
    if options.compress_n_epochs is not None:
        return options.compress_n_epochs
    try:
        file = options.schedule or default_schedule(options.model, options.compression_type)
        return last_epoch(load_schedule(find_schedule(file)))
    except VccError:
        # The compression itself says what is wrong with it, and where.
        return 0


def _loop_seconds(clock: Callable[[], float]) -> float:
    started = clock()
    total = 0
    for number in range(_LOOP_TURNS):
        total += number
    return clock() - started


def _protocol(options: PipelineEntry) -> ClipProtocol:
    return ClipProtocol.from_options(options.pick(ClipOptions))
