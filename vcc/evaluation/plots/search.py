"""The figure of a search: accuracy against cost of every candidate, the front and the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from vcc.evaluation.plots.cost import TOP_PERCENT
from vcc.evaluation.plots.style import COLOURS, MARKERS, new_figure

# (cost, dev video top-1 0..1)
Points = Sequence[tuple[float, float]]


def search_figure(
    points: Mapping[str, Points], front: Points, *, limit: float, axis: str, title: str
) -> Figure:
    """Return accuracy against cost.

    Args:
        points: title -> candidates, such as trials, the dense network and finalists.
        front: what no other beats in both, cheapest first; joined by a line.
        limit: the target's, a vertical line.
        axis: what the cost is, with its unit.
        title: above all.
    """
    figure, axes = new_figure(7.6, 5.0)
    for number, (name, places) in enumerate(points.items()):
        axes.scatter(
            [cost for cost, _ in places],
            [100 * top1 for _, top1 in places],
            color=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number % len(MARKERS)],
            alpha=0.75,
            label=name,
        )
    axes.plot(
        [cost for cost, _ in front],
        [100 * top1 for _, top1 in front],
        color="0.4",
        drawstyle="steps-post",
        linewidth=1,
        linestyle=":",
    )
    axes.axvline(limit, color="0.3", linewidth=1, linestyle="--", label="target")
    axes.set_xscale("log")
    axes.set_ylim(top=min(axes.get_ylim()[1], TOP_PERCENT))
    axes.set_xlabel(axis)
    axes.set_ylabel("dev video top-1, %")
    axes.set_title(title, fontsize=9)
    axes.legend(frameon=False, fontsize=8)
    return figure
