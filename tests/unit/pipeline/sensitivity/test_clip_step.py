"""The clip sensitivity step on tiny data: nothing changes, and what is proposed is a command."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from vcc.config.entrypoints import SensitivityEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.models.summary import count_macs
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.dev_measure import DevMeasure
from vcc.pipeline.sensitivity.clip_step import clip_sensitivity_step


def entry(**options: Any) -> SensitivityEntry:
    return SensitivityEntry(group="clip", n_threads=0, no_cuda=True, **options)


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
