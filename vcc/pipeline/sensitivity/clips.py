"""What a network as it is makes of cheaper clips, over frames x stride x size on dev videos."""

from __future__ import annotations

import dataclasses
import io
import logging
import math
from collections.abc import Sequence

from vcc.compression.sensitivity.measured import EvalResult
from vcc.config.data import ClipOptions
from vcc.config.entrypoints import SensitivityEntry
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ModelError
from vcc.models.clip_size import set_clip_size
from vcc.models.summary import count_macs
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.dev_measure import DevMeasure, draw_videos
from vcc.pipeline.sensitivity.progress import Progress
from vcc.spreadsheet import CsvWriter

_logger = logging.getLogger(__name__)

# Factors of the network's own figures that are measured where none are named.
_DURATIONS = (1.0, 0.5, 0.25)
_STRIDES = (1.0, 2.0)
_SIZES = (1.0, 0.75, 0.5)
_LEAST_SIZE = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClipRow:
    """A clip and what the network makes of it.

    Attributes:
        protocol: frames, stride and size.
        macs: multiply-accumulates of one such clip.
        clips_per_video: mean number of them in a dev video.
        measured: on the dev videos, all clips of each.
    """

    protocol: ClipProtocol
    macs: int
    clips_per_video: float
    measured: EvalResult

    @property
    def macs_per_video(self) -> float:
        """Multiply-accumulates of a dev video, the mean."""
        return self.macs * self.clips_per_video


def clip_grid(own: ClipOptions, options: SensitivityEntry) -> tuple[ClipOptions, ...]:
    """Return the clips to measure, the network's own first.

    Args:
        own: the network's.
        options: `clip_durations`, `clip_strides` and `clip_sizes`; an unset one means 1, 1/2 and
            1/4 of the frames, 1 and 2 times the stride, 1, 3/4 and 1/2 of the size.
    """
    durations = options.clip_durations or _scaled(own.sample_duration, _DURATIONS)
    strides = options.clip_strides or _scaled(own.downsample, _STRIDES)
    sizes = options.clip_sizes or _scaled(own.sample_size, _SIZES, least=_LEAST_SIZE)
    wanted = [
        dataclasses.replace(own, sample_duration=duration, downsample=stride, sample_size=size)
        for size in sizes
        for stride in strides
        for duration in durations
    ]
    return tuple(dict.fromkeys([own, *wanted]))


def measure_clips(
    network: Network, dataset: PreparedDataset, options: SensitivityEntry, *, progress: Progress
) -> list[ClipRow]:
    """Measure a network on every clip of its grid; those too small for it are left out.

    Args:
        network: restored to its own clip and moved to the CPU afterwards.
        dataset: its dev videos are drawn from.
        options: grid, draw and machine.
        progress: wraps the clips' names.

    Returns:
        A row per clip, the network's own first.
    """
    own = network.card.clip
    grid = {ClipProtocol.from_options(clip).text: clip for clip in clip_grid(own, options)}
    _logger.info("%d clips on up to %d dev videos", len(grid), options.n_videos)
    rows = []
    try:
        for text in progress(grid, len(grid)):
            try:
                rows.append(_measure(network, grid[text], dataset, options))
            except ModelError as error:
                _logger.warning("%s: left out: %s", text, error)
    finally:
        set_clip_size(
            network.model, sample_size=own.sample_size, sample_duration=own.sample_duration
        )
        # Measuring took it to the GPU where there is one.
        network.model.cpu()
    return rows


def _measure(
    network: Network, clip: ClipOptions, dataset: PreparedDataset, options: SensitivityEntry
) -> ClipRow:
    set_clip_size(network.model, sample_size=clip.sample_size, sample_duration=clip.sample_duration)
    # All clips of a video, as in an evaluation: a few of them would look at less of it the shorter
    # they are.
    card = dataclasses.replace(network.card, clip=dataclasses.replace(clip, n_val_samples=0))
    drawn = draw_videos(dataset, "dev", n_videos=options.n_videos, seed=options.manual_seed)
    measure = DevMeasure(
        dataclasses.replace(network, card=card),
        dataset,
        n_videos=options.n_videos,
        seed=options.manual_seed,
        no_cuda=options.no_cuda,
        n_threads=options.n_threads,
    )
    return ClipRow(
        protocol=card.protocol,
        macs=count_macs(network.model),
        clips_per_video=card.protocol.mean_clips(v.n_frames for v in drawn.videos("dev")),
        measured=measure(network.model),
    )


def cheapest(rows: Sequence[ClipRow], *, max_drop: float) -> ClipRow:
    """Return the row that costs least by the video among those that lose at most `max_drop`.

    Args:
        rows: the network's own clip first.
        max_drop: dev video top-1 that may be lost against it, 0..1.
    """
    least = rows[0].measured.top1 - max_drop - 1e-9
    allowed = [row for row in rows if row.measured.top1 >= least]
    return min(allowed, key=lambda row: (row.macs_per_video, row.macs))


def clips_csv(rows: Sequence[ClipRow]) -> str:
    """Return the rows as CSV with a header; accuracies in percent, loss in nats."""
    out = io.StringIO()
    writer = CsvWriter(out)
    head = ("sample_duration", "downsample", "sample_size", "macs", "clips_per_video")
    writer.writerow([*head, "macs_per_video", "top1", "top5", "loss"])
    for row in rows:
        clip, found = row.protocol, row.measured
        writer.writerow(
            [
                clip.sample_duration,
                clip.downsample,
                clip.sample_size,
                row.macs,
                f"{row.clips_per_video:.4f}",
                round(row.macs_per_video),
                f"{100 * found.top1:.4f}",
                f"{100 * found.top5:.4f}",
                f"{found.loss:.6f}",
            ]
        )
    return out.getvalue()


def _scaled(own: int, factors: Sequence[float], *, least: int = 1) -> tuple[int, ...]:
    return tuple(max(least, math.floor(own * factor + 0.5)) for factor in factors)
