"""The clip sensitivity step: the network as it is, on cheaper clips of the dev videos.

Nothing is trained: it says which of the three knobs a network bears best, before `compress` trains
it for the clips that were chosen.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from vcc.cli import say
from vcc.config.entrypoints import SensitivityEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.comparison import as_text
from vcc.evaluation.plots.clips import ClipPoint, clip_sensitivity_figure
from vcc.evaluation.plots.style import save_figure
from vcc.pipeline.card import Network
from vcc.pipeline.next_command import next_command
from vcc.pipeline.notes import clip_sensitivity_note
from vcc.pipeline.sensitivity.clips import ClipRow, cheapest, clips_csv, measure_clips
from vcc.pipeline.sensitivity.progress import Progress
from vcc.pipeline.sensitivity.summary import write_text
from vcc.tracking.runs import Run


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
    rows = measure_clips(network, dataset, options, progress=progress)
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
    return [
        f"cheapest by the video that loses at most {points}: {clip.text}, {gain:.2f} times fewer "
        "multiply-accumulates",
        next_command("compress", given, options),
    ]
