"""Tables and pictures of an evaluation, and of what changed against the dense network."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch

from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.accuracy import VideoScores
from vcc.pipeline.evaluate import artifacts as module
from vcc.pipeline.evaluate.artifacts import Scored, log_accuracy, paired_with, write_comparison


def scored(name: str, dataset: PreparedDataset, *, wrong: int = 0) -> Scored:
    """Return scores that are right but for the first so many videos."""
    labels = torch.tensor([each.label for each in dataset.videos("test")])
    scores = torch.eye(2)[labels] * 0.6 + 0.2
    scores[:wrong] = scores[:wrong].flip(1)
    made = VideoScores(scores=scores, labels=labels, clips=len(labels), clip_top1=0.5, loss=1.0)
    return Scored(name=name, scores=made)


def test_a_network_alone_has_tables_and_its_calibration(dataset: PreparedDataset, run: Any) -> None:
    log_accuracy(scored("dense", dataset), dataset, run, before=None)
    assert {file.removeprefix("evaluation/") for file in run.files} == {
        *("predictions.csv", "per_class.csv", "confusion.csv"),
        *("confusion.png", "per_class.png", "reliability.png"),
    }
    rows = list(csv.DictReader(io.StringIO(run.texts["predictions.csv"])))
    assert [row["video"] for row in rows] == [str(each.id) for each in dataset.videos("test")]


def empty(_: Any, path: Path) -> Path:
    """Stand for `save_figure`, which takes most of the time."""
    path.touch()
    return path


def test_what_changed_is_counted_and_shown(
    dataset: PreparedDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "save_figure", empty)
    before, now = scored("dense", dataset), scored("compressed", dataset, wrong=1)
    paired = paired_with(before, now, dataset)
    assert paired.metrics()["videos_lost"] == 1
    assert paired.metrics()["videos_gained"] == 0
    write_comparison(before, now, dataset, tmp_path)
    kept = json.loads((tmp_path / "paired.json").read_text())
    assert kept["sentence"] == paired.sentence()
    assert kept["videos_lost"] == 1
    assert {path.name for path in tmp_path.iterdir()} == {
        *("paired.json", "reliability.png", "confusion.png", "per_class_change.png", "flips"),
    }
    (strip,) = (tmp_path / "flips").iterdir()
    assert strip.name == "00_lost.png"
    # Eight frames of 72 x 96 pixels side by side, with both answers below.
    assert cv2.imread(str(strip)).shape == (72 + 42, 8 * 96, 3)


def test_strips_are_few_and_a_gain_is_told_from_a_loss(
    dataset: PreparedDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_videos = len(dataset.videos("test"))
    before, now = scored("dense", dataset, wrong=n_videos), scored("compressed", dataset)
    monkeypatch.setattr(module, "_STRIPS", 1)
    monkeypatch.setattr(module, "save_figure", empty)
    write_comparison(before, now, dataset, tmp_path)
    assert [path.name for path in (tmp_path / "flips").iterdir()] == ["00_gained.png"]
    assert paired_with(before, now, dataset).metrics()["videos_gained"] == n_videos
