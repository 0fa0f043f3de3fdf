"""Figures of accuracy: confusion matrix, accuracy per class and its change, reliability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from vcc.evaluation.calibration import FEWEST, Reliability, joined_bins
from vcc.evaluation.intervals import wilson_interval
from vcc.evaluation.per_class import ClassAccuracy
from vcc.evaluation.plots.style import COLOURS, MARKERS, name_rows, new_figure, shortened

# Above this many classes a cell is too small for a number.
_NUMBERED_CLASSES = 16
_NAMED_CLASSES = 150
# More classes than that are not compared one by one: those that changed most are.
_COMPARED_CLASSES = 40


def confusion_figure(confusion: Tensor, labels: Sequence[str], *, title: str) -> Figure:
    """Return the confusion matrix: colour is the share of the label's videos, numbers are videos.

    Args:
        confusion: counts [C, C], rows are labels.
        labels: C class names.
        title: what was measured.
    """
    counts = confusion.double().numpy()
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = max(min(11.0, 3.4 + 0.42 * len(labels)), 2.5 + 0.1 * min(len(labels), _NAMED_CLASSES))
    figure, axes = new_figure(side + 1.2, side)
    axes.grid(visible=False)
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, shrink=0.8, label="share of the label's videos")
    if len(labels) <= _NAMED_CLASSES:
        names = [shortened(label, 24) for label in labels]
        size = 8 if len(labels) <= 30 else 5
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=size)
        axes.set_yticks(range(len(names)), names, fontsize=size)
        for text in [*axes.get_xticklabels(), *axes.get_yticklabels()]:
            text.set_parse_math(False)
    if len(labels) <= _NUMBERED_CLASSES:
        for row, column in zip(*np.nonzero(counts), strict=True):
            colour = "white" if share[row, column] > 0.55 else "black"
            number = f"{counts[row, column]:.0f}"
            axes.text(column, row, number, ha="center", va="center", color=colour, fontsize=8)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("label")
    axes.set_title(title, fontsize=10)
    return figure


def per_class_figure(rows: Sequence[ClassAccuracy], *, title: str) -> Figure:
    """Return each class's accuracy, the worst first."""
    known = sorted((row for row in rows if row.videos), key=lambda row: row.accuracy)
    figure, axes = new_figure(7.5, 1.4 + 0.2 * len(known))
    axes.barh(range(len(known)), [100 * row.accuracy for row in known], color=COLOURS[0])
    name_rows(axes, [f"{row.label} ({row.videos})" for row in known])
    axes.set_xlim(0, 100)
    axes.set_xlabel("video top-1 of the class, % (number of videos in brackets)")
    axes.set_title(title, fontsize=10)
    return figure


def class_change_figure(
    before: Sequence[ClassAccuracy], after: Sequence[ClassAccuracy], *, names: tuple[str, str]
) -> Figure:
    """Return each class's accuracy before and after, joined by a line; largest loss first.

    Of many classes those are shown that changed most.

    Args:
        before: one row per class.
        after: the same classes in the same order.
        names: what the two are called.
    """
    pairs = [(b, a) for b, a in zip(before, after, strict=True) if b.videos and a.videos]
    pairs.sort(key=lambda pair: -abs(pair[1].accuracy - pair[0].accuracy))
    left_out = len(pairs[_COMPARED_CLASSES:])
    pairs = sorted(pairs[:_COMPARED_CLASSES], key=lambda pair: pair[1].accuracy - pair[0].accuracy)
    figure, axes = new_figure(7.5, 1.8 + 0.22 * len(pairs))
    for row, (old, new) in enumerate(pairs):
        colour = COLOURS[1] if new.accuracy < old.accuracy else "0.6"
        axes.plot([100 * old.accuracy, 100 * new.accuracy], [row, row], color=colour, zorder=1)
    for column, name in enumerate(names):
        values = [100 * pair[column].accuracy for pair in pairs]
        axes.scatter(
            values,
            range(len(pairs)),
            label=name,
            color=COLOURS[0] if column else "white",
            edgecolor=COLOURS[0],
            s=60 if not column else 22,
            zorder=2 + column,
        )
    name_rows(axes, [f"{old.label} ({old.videos})" for old, _ in pairs])
    axes.set_xlim(-3, 103)
    axes.set_xlabel("video top-1 of the class, % (number of videos in brackets)")
    if left_out:
        axes.set_title(f"{left_out} classes that changed less are left out", fontsize=9)
    figure.legend(loc="outside upper right", ncols=2, fontsize=8, frameon=False)
    return figure


def reliability_figure(curves: Mapping[str, Reliability]) -> Figure:
    """Return accuracy against confidence of each network, with the number of videos per bin.

    A point joins neighbouring bins until they hold enough videos to say something.

    Args:
        curves: name -> its reliability, all with the same bins.
    """
    figure = Figure(figsize=(6.4, 6.4), layout="constrained")
    upper, lower = figure.subplots(
        2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1]}, squeeze=True
    )
    upper.plot([0, 1], [0, 1], color="0.6", linestyle="--", label="perfectly calibrated")
    for number, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        _calibration(upper, curve, number, label=f"{name}: ECE {100 * curve.ece:.1f} %")
        width = (curve.edges[1] - curve.edges[0]) / (len(curves) + 0.5)
        left = [edge + (number + 0.25) * width for edge in curve.edges[:-1]]
        lower.bar(left, curve.videos, width=width, align="edge", color=colour)
    upper.set_ylabel("share of videos that are right")
    upper.set_title(f"points: at least {FEWEST} videos, 95 % intervals", fontsize=9)
    upper.set_ylim(-0.02, 1.02)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    lower.set_xlabel("score of the predicted class (mean softmax over clips)")
    lower.set_ylabel("videos")
    for axes in (upper, lower):
        axes.grid(visible=True, color="0.9")
        axes.set_axisbelow(True)
    return figure


def _calibration(axes: Axes, curve: Reliability, number: int, *, label: str) -> None:
    bins = joined_bins(curve)
    intervals = [wilson_interval(each.right, each.videos) for each in bins]
    axes.errorbar(
        [each.confidence for each in bins],
        [interval.mean for interval in intervals],
        yerr=[
            [interval.mean - interval.low for interval in intervals],
            [interval.high - interval.mean for interval in intervals],
        ],
        color=COLOURS[number % len(COLOURS)],
        marker=MARKERS[number % len(MARKERS)],
        markersize=5,
        elinewidth=1,
        capsize=3,
        label=label,
    )
