"""A network on changed test videos, and the dense one on the same."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from vcc.config.data import PERTURBATIONS
from vcc.data.store.perturbed import PerturbedDataset
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.accuracy import VideoScores
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.robustness import robustness_step


def score(network: Network, dataset: PreparedDataset) -> VideoScores:
    """Return scores that are right for the first half of the videos where these are changed."""
    labels = torch.tensor([record.label for record in dataset.videos("test")])
    wrong = torch.arange(len(labels)) >= len(labels) // 2
    answers = torch.where(wrong & isinstance(dataset, PerturbedDataset), 1 - labels, labels)
    return VideoScores(
        scores=torch.eye(2)[answers], labels=labels, clips=2, clip_top1=0.5, loss=1.0
    )


def test_a_row_and_a_figure_for_each_change(
    network: Network, dataset: PreparedDataset, run: Any
) -> None:
    header, row = robustness_step(
        network, dataset, names=["jpeg30"], dense=network, score=score, run=run
    )
    cells = dict(zip(header, row, strict=True))
    assert cells["test videos"] == "JPEG of quality 30"
    assert cells["video top-1"] == cells["dense"] == "50.00 %"
    assert cells["less than as recorded, points"].startswith("+50.00 (")
    assert cells["loss against dense, points"] == "+0.00 (+0.00 to +0.00)"
    assert run.metrics == {"perturbed_top1.jpeg30": [0.5]}
    assert "JPEG of quality 30" in run.texts["evaluation/robustness.md"]


@pytest.mark.parametrize("names", [["all"], ["half_rate", "all"]])
def test_all_are_all(
    network: Network, dataset: PreparedDataset, run: Any, names: list[str]
) -> None:
    rows = robustness_step(network, dataset, names=names, dense=None, score=score, run=run)
    assert len(rows) == 1 + len(PERTURBATIONS)
    assert {row[4] for row in rows[1:]} == {""}
