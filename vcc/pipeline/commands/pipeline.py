"""The pipeline command: prepare, train, compress, evaluate, export, register, and the table."""

from __future__ import annotations

import time
from collections.abc import Sequence

from vcc.cli import say
from vcc.config.entrypoints import PipelineEntry
from vcc.config.training import TrainingOptions
from vcc.errors import GateError
from vcc.evaluation.comparison import (
    PassMarks,
    Variant,
    as_markdown,
    as_text,
    speed_up,
    table_rows,
    video_speed_up,
)
from vcc.pipeline.full.estimate import estimate_line, expected_videos
from vcc.pipeline.full.report import summary_of
from vcc.pipeline.full.step import take_steps
from vcc.tracking.runs import Run, connect, open_run
from vcc.training.processes import require_one_process


def run_pipeline(options: PipelineEntry) -> None:
    """Run every step and print the table.

    Raises:
        GateError: the figures miss the pass marks; the table is printed all the same.
    """
    require_one_process(options.pick(TrainingOptions))
    started = time.monotonic()
    if (videos := expected_videos(options)) is not None:
        say(estimate_line(options, videos))
    uri = connect()
    with open_run(options.run_name or "pipeline", step="pipeline", options=options) as run:
        variants, largest_class = take_steps(options, run)
        rows = table_rows(variants)
        _log_comparison(variants, run)
        say()
        say(as_text(rows))
        say(f"(always naming the largest class would score {largest_class:.1%})")
        say()
        say(f"took {time.monotonic() - started:.0f} s")
        say(f"runs and models: {uri}")
        say(f"look at them:    mlflow ui --backend-store-uri {uri}")
        _check_marks(options, variants)


def _log_comparison(variants: Sequence[Variant], run: Run) -> None:
    dense, compressed = variants
    markdown = as_markdown(table_rows(variants))
    run.log_text(markdown + "\n", "comparison.md")
    run.describe(f"{summary_of(dense, compressed)}\n\n{markdown}")
    run.log_metrics(
        {
            "params": compressed.params,
            "macs": compressed.macs,
            "sparsity": compressed.sparsity,
            "size_bytes": compressed.size_bytes,
            "clip_top1": compressed.clip_top1,
            "video_top1": compressed.video_top1,
            "latency_p50_ms": compressed.latency_p50_ms,
            "latency_p95_ms": compressed.latency_p95_ms,
            "macs_ratio": dense.macs / compressed.macs,
            "clips_per_video": compressed.clips_per_video,
            "macs_per_video": compressed.macs * compressed.clips_per_video,
            "speedup": speed_up(dense, compressed),
            "speedup_per_video": video_speed_up(dense, compressed),
            "video_top1_drop": dense.video_top1 - compressed.video_top1,
        }
    )


def _check_marks(options: PipelineEntry, variants: Sequence[Variant]) -> None:
    built_in = options.videos is None
    if options.pass_marks == "off" or (options.pass_marks == "auto" and not built_in):
        return
    marks = PassMarks(
        video_top1=options.pass_video_top1,
        test_videos=options.pass_test_videos,
        drop=options.pass_drop,
        speedup=options.pass_speedup,
    )
    misses = marks.misses(*variants)
    if misses:
        msg = f"pass marks missed: {'; '.join(misses)}"
        raise GateError(msg)
    say("pass marks reached")
