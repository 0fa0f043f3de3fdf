"""Clip sensitivity on tiny data: the grid, the table, what it proposes; nothing changes."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from vcc.compression.sensitivity.measured import EvalResult
from vcc.config.data import ClipOptions
from vcc.config.entrypoints import SensitivityEntry
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.store.prepared import PreparedDataset
from vcc.models.summary import count_macs
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.dev_measure import DevMeasure
from vcc.pipeline.sensitivity.clip_step import clip_sensitivity_step
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


def test_it_measures_the_network_as_it_is_and_leaves_it(
    dataset: PreparedDataset,
    network: Network,
    run: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spec, macs = network.model.spec, count_macs(network.model)
    told: list[str] = []

    def progress(steps: Iterable[str], count: int) -> Iterable[str]:
        assert count == 4
        for step in steps:
            told.append(step)
            yield step

    options = entry(
        summary_path=tmp_path / "s.csv",
        max_drop=1.0,
        clip_durations=(4, 2),
        clip_strides=(1, 2),
        clip_sizes=(16,),
    )
    written = clip_sensitivity_step(network, dataset, options, run=run, progress=progress)
    assert told == ["4x16x16", "2x16x16", "4x16x16 stride 2", "2x16x16 stride 2"]
    assert network.model.spec == spec
    assert written == [tmp_path / "s.clips.csv"]
    assert written[0].read_text() == run.texts["clips.csv"]
    assert run.files == ["sensitivity/clips.csv", "sensitivity/clips.png"]
    rows = list(csv.DictReader(io.StringIO(run.texts["clips.csv"])))
    assert int(rows[0]["macs"]) == macs > int(rows[1]["macs"])
    # videos of 8 frames
    assert [float(each["clips_per_video"]) for each in rows] == [2.0, 4.0, 1.0, 2.0]
    # all clips of each dev video, as an evaluation takes them
    card = dataclasses.replace(
        network.card, clip=dataclasses.replace(network.card.clip, n_val_samples=0)
    )
    measure = DevMeasure(
        dataclasses.replace(network, card=card),
        dataset,
        n_videos=200,
        seed=1,
        no_cuda=True,
        n_threads=0,
    )
    assert float(rows[0]["loss"]) == pytest.approx(measure(network.model).loss, abs=1e-6)
    assert run.metrics["dev_loss"] == [pytest.approx(measure(network.model).loss)]
    assert {name for name in run.metrics if name.startswith("clip_sensitivity.")} == {
        f"clip_sensitivity.{text}" for text in told
    }
    said = capsys.readouterr().out
    assert "cheapest by the video that loses at most 100 points: 4x16x16 stride 2" in said
    assert said.rstrip().endswith("-P sample_duration=4 -P downsample=2 -P sample_size=16")


def test_without_a_cheaper_one_that_is_said(
    dataset: PreparedDataset,
    network: Network,
    run: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = entry(
        summary_path=tmp_path / "s.csv", clip_durations=(4,), clip_strides=(1,), clip_sizes=(16,)
    )
    clip_sensitivity_step(network, dataset, options, run=run, progress=lambda steps, _: steps)
    assert "no cheaper clip loses at most 1 points untrained" in capsys.readouterr().out
