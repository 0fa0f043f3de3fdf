"""An evaluation: figures by their names in run, version and results, beside the dense network."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.accuracy import VideoScores
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate import step as module
from vcc.pipeline.evaluate.step import (
    clips_per_test_video,
    evaluate_step,
    largest_class_share,
    score_test,
    size_figures,
    video_cost,
)


@pytest.fixture
def scored(network: Network, dataset: PreparedDataset) -> VideoScores:
    return score_test(network, dataset, no_cuda=True, n_threads=0)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Tags that a version got, and the comparisons that were drawn."""
    found: dict[str, Any] = {"tags": {}, "before": []}
    monkeypatch.setattr(module, "tag_version", lambda version, tags: found["tags"].update(tags))
    monkeypatch.setattr(
        module, "log_accuracy", lambda *words, before: found["before"].append(before)
    )
    return found


def test_scores_are_of_all_test_videos(scored: VideoScores, dataset: PreparedDataset) -> None:
    assert len(scored.labels) == len(dataset.videos("test"))
    assert scored.scores.sum(dim=1).tolist() == pytest.approx([1.0] * len(scored.labels))


def test_figures_go_wherever_they_are_looked_for(
    network: Network, dataset: PreparedDataset, scored: VideoScores, run: Any,
    calls: dict[str, Any], tmp_path: Path,
) -> None:  # fmt: skip
    version = SimpleNamespace(model_id="m1", uri="models:/net/1")
    metrics = evaluate_step(
        network, dataset, version=version, results=tmp_path, score=lambda _: scored, run=run
    )  # type: ignore[arg-type]
    assert metrics["test_videos"] == len(dataset.videos("test"))
    assert metrics["macs_per_video"] == metrics["macs"] * metrics["clips_per_video"]
    assert {name: values[0] for name, values in run.metrics.items()} == metrics
    assert float(calls["tags"]["video_top1"]) == pytest.approx(metrics["video_top1"], abs=1e-6)
    assert calls["before"] == [None]
    assert run.tags["method"] == "benchmark"
    assert any(tmp_path.rglob("val.json"))
    assert "mcnemar_p" not in metrics
    # Videos' contents are no option that anybody reads.
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and b"train_videos" in p.read_bytes()]


def test_the_dense_network_is_scored_on_the_same_videos(
    network: Network, dataset: PreparedDataset, scored: VideoScores, run: Any,
    calls: dict[str, Any], tmp_path: Path,
) -> None:  # fmt: skip
    wrong = dataclasses.replace(scored, scores=torch.eye(2)[1 - scored.labels])
    right = dataclasses.replace(scored, scores=torch.eye(2)[scored.labels])
    answers = iter((wrong, right))
    metrics = evaluate_step(
        network,
        dataset,
        version=None,
        results=tmp_path,
        score=lambda _: next(answers),
        run=run,
        dense=network,
    )
    assert metrics["video_top1_drop"] == 1.0
    assert metrics["videos_lost"] == len(scored.labels)
    assert metrics["macs_ratio"] == 1.0
    assert calls["before"][0].name == "dense"
    assert not calls["tags"]
    assert "asked about clips" not in run.tags["description"]


def test_sizes_and_costs_have_their_logged_names(
    network: Network, dataset: PreparedDataset
) -> None:
    figures = size_figures(network)
    assert set(figures) == {"params", "macs", "sparsity"}
    assert figures["params"] == sum(p.numel() for p in network.model.parameters())
    assert figures["sparsity"] == 0.0
    clips = clips_per_test_video(network, dataset)
    # Eight frames in clips of four.
    assert clips == 2.0
    assert video_cost(network, clips) == {
        "clips_per_video": 2.0,
        "macs_per_video": 2 * figures["macs"],
    }
    assert largest_class_share(dataset) == 0.5
