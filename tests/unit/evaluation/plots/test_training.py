"""Figures of a training show what they were given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vcc.evaluation.plots.style import save_figure
from vcc.evaluation.plots.training import curves_figure, worst_figure, worst_first
from vcc.evaluation.predictions import Prediction

HISTORY = {
    epoch: {
        "train_loss": 1.0 / (epoch + 1),
        "dev_loss": 1.2 / (epoch + 1),
        "train_clip_top1": 0.1 * epoch,
        "dev_clip_top1": 0.1 * epoch,
        "dev_video_top1": 0.2 * epoch,
        "learning_rate": 0.1,
    }
    for epoch in range(4)
}


def row(video: str, label_score: float, *, right: bool) -> Prediction:
    return Prediction(
        video=video,
        label="walk $x$",
        predicted="walk $x$" if right else "run",
        right=right,
        score=max(label_score, 1 - label_score),
        label_score=label_score,
    )


def test_curves_hold_every_epoch_and_mark_the_best(tmp_path: Path) -> None:
    figure = curves_figure(HISTORY, best_epoch=2)
    losses, shares, rates = figure.axes
    by_label = {line.get_label(): line for axes in figure.axes for line in axes.get_lines()}
    losses_drawn = by_label["dev"].get_ydata().tolist()  # type: ignore[union-attr]
    assert losses_drawn == pytest.approx([1.2, 0.6, 0.4, 0.3])
    assert by_label["dev videos"].get_xdata().tolist() == [1, 2, 3, 4]  # type: ignore[union-attr]
    assert all(axes.get_lines()[-1].get_xdata()[0] == 3 for axes in (losses, shares, rates))  # type: ignore[index]
    assert save_figure(figure, tmp_path / "curves.png").stat().st_size > 10_000


def test_the_worst_videos_come_first(tmp_path: Path) -> None:
    rows = [row(f"v{i}", score, right=score > 0.5) for i, score in enumerate((0.9, 0.1, 0.6, 0.4))]
    worst = worst_first(rows, 3)
    assert [each.video for each in worst] == ["v1", "v3", "v2"]
    strips = [np.full((20, 60, 3), 80, np.uint8)] * 3
    figure = worst_figure(worst, strips, title="dev")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[0] == "v1\nwalk $x$: 0.10\ntaken for run: 0.90"
    assert titles[3] == ""
    assert save_figure(figure, tmp_path / "worst.png").stat().st_size > 5_000
