"""Figures of a training: its curves, and the videos that it gets most wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from vcc.evaluation.plots.style import COLOURS, shortened
from vcc.evaluation.predictions import Prediction

_COLUMNS = 4


def curves_figure(history: Mapping[int, Mapping[str, float]], *, best_epoch: int | None) -> Figure:
    """Return loss, accuracy and learning rate by epoch, the best epoch marked.

    Args:
        history: epoch, from 0, to its figures by their logged names.
        best_epoch: the epoch whose weights were kept.
    """
    figure = Figure(figsize=(7.5, 8.0), layout="constrained")
    axes = figure.subplots(3, 1, sharex=True, gridspec_kw={"height_ratios": [3, 3, 1.4]})
    _lines(axes[0], history, {"train_loss": "train", "dev_loss": "dev"})
    axes[0].set_ylabel("loss, nats")
    shares = {
        "train_clip_top1": "train clips",
        "dev_clip_top1": "dev clips",
        "dev_video_top1": "dev videos",
    }
    _lines(axes[1], history, shares)
    axes[1].set_ylabel("top-1, share")
    axes[1].set_ylim(-0.02, 1.02)
    _lines(axes[2], history, {"learning_rate": "learning rate"})
    if any(figures.get("learning_rate", 0) > 0 for figures in history.values()):
        axes[2].set_yscale("log")
    axes[2].set_ylabel("learning rate")
    axes[2].set_xlabel("epoch")
    axes[2].xaxis.set_major_locator(MaxNLocator(integer=True))
    for each in axes:
        if best_epoch is not None:
            each.axvline(best_epoch + 1, color="0.5", linestyle=":", label="weights kept")
    for each in axes[:2]:
        each.legend(fontsize=8, frameon=False)
    return figure


def worst_first(rows: Sequence[Prediction], count: int = 16) -> list[Prediction]:
    """Return the videos whose own class scored lowest, the lowest first."""
    return sorted(rows, key=lambda row: row.label_score)[:count]


def worst_figure(
    rows: Sequence[Prediction], strips: Sequence[NDArray[np.uint8]], *, title: str
) -> Figure:
    """Return a grid of videos with what they show and what they were taken for.

    Args:
        rows: the videos, at least one.
        strips: a picture [H, W, 3] of each.
        title: what was measured.
    """
    lines = math.ceil(len(rows) / _COLUMNS)
    figure = Figure(figsize=(3.1 * _COLUMNS, 0.5 + 1.45 * lines), layout="constrained")
    grid = figure.subplots(lines, _COLUMNS, squeeze=False).ravel()
    for axes, row, strip in zip(grid, rows, strips, strict=False):
        axes.imshow(strip)
        colour = "black" if row.right else COLOURS[1]
        answer = f"taken for {shortened(row.predicted, 26)}: {row.score:.2f}"
        text = (
            f"{shortened(row.video, 40)}\n{shortened(row.label, 30)}: {row.label_score:.2f}\n"
            f"{'right' if row.right else answer}"
        )
        axes.set_title(text, fontsize=7, color=colour, loc="left")
    for axes in grid:
        axes.set_axis_off()
    figure.suptitle(title, fontsize=10)
    return figure


def _lines(
    axes: Axes, history: Mapping[int, Mapping[str, float]], names: Mapping[str, str]
) -> None:
    epochs = sorted(history)
    for number, (name, label) in enumerate(names.items()):
        values: list[Any] = [history[epoch].get(name, math.nan) for epoch in epochs]
        axes.plot(
            [epoch + 1 for epoch in epochs],
            values,
            color=COLOURS[number],
            marker="." if len(epochs) <= 60 else "",
            label=label,
        )
    axes.grid(visible=True, color="0.9")
    axes.set_axisbelow(True)
