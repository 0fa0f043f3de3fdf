"""Clip sensitivity: the network as it is, on cheaper clips, over frames x stride x size on dev.

Nothing is trained: it says which of the three knobs a network bears best, before `compress` trains
it for the clips that were chosen.
"""

from __future__ import annotations

import dataclasses
import io
import logging
import math
import shlex
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from vcc.cli import say
from vcc.compression.measured import Measured
from vcc.config.data import ClipOptions
from vcc.config.entrypoints import SensitivityEntry
from vcc.data.prepared import PreparedDataset
from vcc.data.protocol import ClipProtocol
from vcc.errors import ModelError
from vcc.evaluation.comparison import as_text
from vcc.evaluation.plots import save_figure
from vcc.evaluation.plots_clips import ClipPoint, clip_sensitivity_figure
from vcc.models.clip_size import set_clip_size
from vcc.models.summary import count_macs
from vcc.pipeline.card import Network
from vcc.pipeline.dev_measure import DevMeasure, draw_videos
from vcc.pipeline.notes import clip_sensitivity_note
from vcc.pipeline.summary import write_text
from vcc.spreadsheet import CsvWriter
from vcc.tracking.runs import Run

_logger = logging.getLogger(__name__)

# Factors of the network's own figures that are measured where none are named.
_DURATIONS = (1.0, 0.5, 0.25)
_STRIDES = (1.0, 2.0)
_SIZES = (1.0, 0.75, 0.5)
_LEAST_SIZE = 8

# Wraps names of steps, whose number is given, in a progress bar.
Progress = Callable[[Iterable[str], int], Iterable[str]]


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
    measured: Measured

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


def clip_sensitivity_step(
    network: Network,
    dataset: PreparedDataset,
    options: SensitivityEntry,
    *,
    run: Run,
    progress: Progress,
) -> list[Path]:
    """Measure a network on a grid of clips; write and log table and picture.

    Args:
        network: stays as it is.
        dataset: its dev videos are drawn from.
        options: the grid, the draw, `max_drop`.
        run: takes figures, table and picture.
        progress: see `Progress`.

    Returns:
        The table's path.

    Raises:
        DataError: the data set has no dev videos.
    """
    started = time.monotonic()
    run.set_tags({"arch": network.card.arch, "method": "sensitivity clip"})
    rows = _measure_all(network, dataset, options, progress=progress)
    n_videos = min(options.n_videos, len(dataset.videos("dev")))
    chosen = cheapest(rows, max_drop=options.max_drop)
    table = options.summary_path.with_name(f"{options.summary_path.stem}.clips.csv")
    write_text(table, clips_csv(rows))
    figure = clip_sensitivity_figure(
        [_point(row) for row in rows],
        chosen=rows.index(chosen),
        max_drop=options.max_drop,
        title=f"{network.card.arch} on other clips, not trained for them, "
        f"{n_videos} dev videos of {network.card.dataset}",
    )
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "clips.csv").write_text(clips_csv(rows), encoding="utf-8")
        save_figure(figure, folder / "clips.png")
        run.log_file(folder, "sensitivity")
    own = rows[0].measured
    run.log_metrics(
        {
            "dev_video_top1": own.top1,
            "dev_video_top5": own.top5,
            "dev_loss": own.loss,
            "videos_dev": n_videos,
            "seconds": time.monotonic() - started,
            **{f"clip_sensitivity.{row.protocol.text}": row.measured.top1 for row in rows},
        }
    )
    run.describe(clip_sensitivity_note(network.card, clips=len(rows), videos=n_videos))
    say(as_text(_table(rows)))
    for line in _advice(rows[0], chosen, options):
        say(line)
    return [table]


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


def _measure_all(
    network: Network, dataset: PreparedDataset, options: SensitivityEntry, *, progress: Progress
) -> list[ClipRow]:
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


def _scaled(own: int, factors: Sequence[float], *, least: int = 1) -> tuple[int, ...]:
    return tuple(max(least, math.floor(own * factor + 0.5)) for factor in factors)


def _point(row: ClipRow) -> ClipPoint:
    return ClipPoint(
        frames=row.protocol.sample_duration,
        stride=row.protocol.downsample,
        size=row.protocol.sample_size,
        macs=row.macs,
        macs_per_video=row.macs_per_video,
        top1=row.measured.top1,
    )


def _table(rows: Sequence[ClipRow]) -> list[list[str]]:
    head = ["clip", "MACs per clip", "clips per video", "MACs per video", "dev video top-1"]
    cells = [
        [
            row.protocol.text,
            f"{row.macs / 1e6:,.1f} M",
            f"{row.clips_per_video:.2f}",
            f"{row.macs_per_video / 1e6:,.1f} M",
            f"{row.measured.top1:.1%}",
        ]
        for row in rows
    ]
    return [head, *cells]


def _advice(own: ClipRow, chosen: ClipRow, options: SensitivityEntry) -> list[str]:
    points = f"{100 * options.max_drop:g} points"
    if chosen is own:
        return [f"no cheaper clip loses at most {points} untrained; training wins some back"]
    gain = own.macs_per_video / chosen.macs_per_video
    named = {"source": options.source} if options.source else {"model": options.model}
    clip = chosen.protocol
    given = {
        **named,
        "sample_duration": clip.sample_duration,
        "downsample": clip.downsample,
        "sample_size": clip.sample_size,
    }
    words = "".join(f" -P {name}={shlex.quote(str(value))}" for name, value in given.items())
    return [
        f"cheapest by the video that loses at most {points}: {clip.text}, {gain:.2f} times fewer "
        "multiply-accumulates",
        f"next: mlflow run . -e compress --env-manager local{words}",
    ]
