"""Dense against compressed: the table a run ends with, and the pass marks it may be held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vcc.errors import one_line

# Rows that say nothing where all variants take the same clips.
_CLIP_ROWS = (
    "clip",
    "clips per test video",
    "MACs per test video",
    "speed-up per test video",
)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The measured figures of one network.

    Attributes:
        name: "dense" or what was done to it.
        params: number of parameters.
        macs: multiply-accumulates of one clip.
        size_bytes: size of the exported file.
        sparsity: share of zeros in convolution and linear weights, 0..1.
        clip_top1: 0..1.
        video_top1: 0..1, of the exported file.
        test_videos: how many videos that is measured on.
        latency_p50_ms: median time of one run of the exported file, milliseconds.
        latency_p95_ms: 95th percentile of it.
        runtime: runtime and provider that really ran, such as "onnxruntime CPU".
        clip: frames x height x width that it takes, such as "16x112x112".
        clips_per_video: mean number of clips that a test video is cut into.
        rounds_ms: median time of each round in which the networks took turns, milliseconds.
    """

    name: str
    params: int
    macs: int
    size_bytes: int
    sparsity: float
    clip_top1: float
    video_top1: float
    test_videos: int
    latency_p50_ms: float
    latency_p95_ms: float
    runtime: str
    clip: str = ""
    clips_per_video: float = 1.0
    rounds_ms: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PassMarks:
    """What a pipeline run must reach.

    Attributes:
        video_top1: least video accuracy of the dense network, 0..1.
        test_videos: least number of videos it is measured on.
        drop: largest loss of video accuracy by compression, as a share (0.03 is 3 points).
        speedup: least ratio of the dense file's p50 to the compressed one's, each times its clips
            per video.
    """

    video_top1: float = 0.85
    test_videos: int = 100
    drop: float = 0.03
    speedup: float = 1.5

    def misses(self, dense: Variant, compressed: Variant) -> list[str]:
        """Return one line per mark that is missed; none when all are reached."""
        drop = dense.video_top1 - compressed.video_top1
        speedup = video_speed_up(dense, compressed)
        cheaper_clips = compressed.clip != dense.clip
        # A drop of exactly 3 points must pass though 0.90 - 0.87 is a little over 0.03 in binary.
        rounding = 1e-9
        checks = (
            (
                dense.test_videos >= self.test_videos,
                f"{dense.test_videos} test videos, at least {self.test_videos} wanted",
            ),
            (
                dense.video_top1 >= self.video_top1 - rounding,
                f"dense video top-1 {dense.video_top1:.1%}, at least {self.video_top1:.1%} wanted",
            ),
            (
                drop <= self.drop + rounding,
                f"video top-1 dropped {100 * drop:.1f} points, at most {100 * self.drop:g} allowed",
            ),
            (
                compressed.macs < dense.macs
                and (compressed.params < dense.params or cheaper_clips),
                "no channel was removed: parameters and MACs did not fall",
            ),
            (
                dense.runtime == compressed.runtime,
                f"measured on {dense.runtime} and {compressed.runtime}: not comparable",
            ),
            (
                speedup >= self.speedup,
                f"{speedup:.2f}x faster at p50, at least {self.speedup:g}x wanted",
            ),
        )
        return [message for passed, message in checks if not passed]


def speed_up(dense: Variant, variant: Variant) -> float:
    """Return how many times faster `variant` is than `dense` at the median."""
    return dense.latency_p50_ms / variant.latency_p50_ms


def video_speed_up(dense: Variant, variant: Variant) -> float:
    """Return the same for a whole video: the ratio of medians times clips per video."""
    return speed_up(dense, variant) * dense.clips_per_video / variant.clips_per_video


def speed_up_range(dense: Variant, variant: Variant) -> str:
    """Return between which ratios eight rounds of ten lie, as "1.90-2.31x"; "" without rounds."""
    if not variant.rounds_ms or len(variant.rounds_ms) != len(dense.rounds_ms):
        return ""
    ratios = np.divide(dense.rounds_ms, variant.rounds_ms)
    low, high = np.percentile(ratios, (10, 90))
    return f"{low:.2f}-{high:.2f}x"


def clip_sentence(dense: Variant, variant: Variant) -> str:
    """Return what two networks look at where that differs; "" where it does not."""
    if variant.clip == dense.clip:
        return ""
    return (
        f"Its clips are {variant.clip}, the dense network's {dense.clip}; a test video is "
        f"{variant.clips_per_video:.2f} of them against {dense.clips_per_video:.2f}, so by the "
        f"video it takes {variant.macs * variant.clips_per_video / 1e6:,.1f} of "
        f"{dense.macs * dense.clips_per_video / 1e6:,.1f} million multiply-accumulates and is "
        f"{video_speed_up(dense, variant):.2f} times as fast."
    )


def table_rows(variants: Sequence[Variant]) -> list[list[str]]:
    """Return header and rows: one column per variant, the first is what speed-ups refer to.

    Where they take different clips, rows say which, and what a whole video costs.
    """
    dense = variants[0]
    lines = {
        "clip": [v.clip for v in variants],
        "parameters": [f"{v.params:,}" for v in variants],
        "MACs per clip": [f"{v.macs / 1e6:,.1f} M" for v in variants],
        "clips per test video": [f"{v.clips_per_video:.2f}" for v in variants],
        "MACs per test video": [f"{v.macs * v.clips_per_video / 1e6:,.1f} M" for v in variants],
        "file size": [f"{v.size_bytes / 1e6:.2f} MB" for v in variants],
        "weight sparsity": [f"{v.sparsity:.1%}" for v in variants],
        "clip top-1": [f"{v.clip_top1:.1%}" for v in variants],
        "video top-1": [f"{v.video_top1:.1%} of {v.test_videos}" for v in variants],
        "latency p50": [f"{v.latency_p50_ms:.2f} ms" for v in variants],
        "latency p95": [f"{v.latency_p95_ms:.2f} ms" for v in variants],
        "runtime": [v.runtime for v in variants],
        "speed-up at p50": [f"{speed_up(dense, v):.2f}x" for v in variants],
        "in 8 rounds of 10": ["", *(speed_up_range(dense, v) for v in variants[1:])],
        "speed-up per test video": [f"{video_speed_up(dense, v):.2f}x" for v in variants],
    }
    if len({v.clip for v in variants}) == 1:
        lines = {title: cells for title, cells in lines.items() if title not in _CLIP_ROWS}
    if not any(lines["in 8 rounds of 10"]):
        del lines["in 8 rounds of 10"]
    header = ["", *(v.name for v in variants)]
    return [header, *([title, *cells] for title, cells in lines.items())]


def as_text(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as an aligned plain-text table, the first column to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return "\n".join([lines[0], rule, *lines[1:]])


def _cell(text: str) -> str:
    return one_line(text.replace("|", "\\|"))


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown table; names in it neither end a cell nor a row."""
    rows = [[_cell(cell) for cell in row] for row in rows]
    rule = ["---", *("---:" for _ in rows[0][1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], rule, *rows[1:]])
