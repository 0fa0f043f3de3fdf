"""Clip sensitivity on tiny data: the grid, the table, what it proposes; nothing changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vcc.compression.sensitivity.measured import EvalResult
from vcc.config.data import ClipOptions
from vcc.config.entrypoints import SensitivityEntry
from vcc.data.clips.protocol import ClipProtocol
from vcc.pipeline.sensitivity.clips import ClipRow, cheapest, clip_grid, clips_csv


def entry(**options: Any) -> SensitivityEntry:
    return SensitivityEntry(group="clip", n_threads=0, no_cuda=True, **options)


def texts(clips: Iterable[ClipOptions]) -> list[str]:
    return [ClipProtocol.from_options(clip).text for clip in clips]


def row(frames: int, *, macs: int, clips: float, top1: float) -> ClipRow:
    return ClipRow(
        protocol=ClipProtocol(48, frames),
        macs=macs,
        clips_per_video=clips,
        measured=EvalResult(top1, 1.0, 0.5),
    )


class TestGrid:
    def test_its_own_clip_is_first_and_every_clip_once(self) -> None:
        grid = clip_grid(ClipOptions(sample_size=48, sample_duration=8), entry())
        assert texts(grid[:7]) == [
            "8x48x48",
            "4x48x48",
            "2x48x48",
            "8x48x48 stride 2",
            "4x48x48 stride 2",
            "2x48x48 stride 2",
            "8x36x36",
        ]
        assert len(grid) == len(set(grid)) == 18

    def test_options_name_the_clips(self) -> None:
        own = ClipOptions(sample_size=48, sample_duration=8)
        options = entry(clip_durations=(4,), clip_strides=(1, 3), clip_sizes=(40,))
        assert texts(clip_grid(own, options)) == ["8x48x48", "4x40x40", "4x40x40 stride 3"]

    def test_small_clips_stay_what_a_network_may_have(self) -> None:
        grid = clip_grid(ClipOptions(sample_size=10, sample_duration=2), entry())
        assert min(clip.sample_size for clip in grid) == 8
        assert min(clip.sample_duration for clip in grid) == 1


def test_the_cheapest_by_the_video_within_the_loss_is_proposed() -> None:
    own = row(8, macs=80, clips=3, top1=0.9)
    short = row(4, macs=40, clips=6, top1=0.9)
    shorter = row(3, macs=30, clips=7, top1=0.88)
    bad = row(2, macs=2, clips=10, top1=0.5)
    rows = [own, short, shorter, bad]
    assert cheapest(rows, max_drop=0.02) is shorter
    assert cheapest(rows, max_drop=0.01) is short
    assert cheapest(rows, max_drop=1.0) is bad
    assert cheapest([own, bad], max_drop=0.0) is own


def test_the_table_is_in_percent() -> None:
    text = clips_csv([row(8, macs=80, clips=2.5, top1=0.9)])
    assert text.splitlines() == [
        "sample_duration,downsample,sample_size,macs,clips_per_video,macs_per_video,top1,top5,loss",
        "8,1,48,80,2.5000,200,90.0000,100.0000,0.500000",
    ]
