"""The figure of a clip sensitivity: accuracy against cost, over frames, stride and size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from vcc.evaluation.plots.style import COLOURS, MARKERS, new_panels

_DASHES = ("-", "--", ":", "-.")


@dataclass(frozen=True, kw_only=True)
class ClipPoint:
    """A clip: frames, temporal stride, pixels, multiply-accumulates and video top-1 (0..1)."""

    frames: int
    stride: int
    size: int
    macs: float
    macs_per_video: float
    top1: float


def clip_sensitivity_figure(
    points: Sequence[ClipPoint], *, chosen: int, max_drop: float, title: str
) -> Figure:
    """Return top-1 against multiply-accumulates, of a clip on the left and of a video on the right.

    A line joins the clips of one size and stride; each point is named by its frames. Fewer frames
    at the same stride make a clip cheaper, but not the video: the right panel shows it.

    Args:
        points: the network's own clip first.
        chosen: index of the point that gets a ring.
        max_drop: the loss of top-1 that is allowed, 0..1.
        title: what was measured.
    """
    figure, panels = new_panels(11.0, 5.2, count=2)
    sizes = sorted({point.size for point in points}, reverse=True)
    strides = sorted({point.stride for point in points})
    least = 100 * (points[0].top1 - max_drop)
    costs = ([p.macs / 1e6 for p in points], [p.macs_per_video / 1e6 for p in points])
    words = ("a clip", "a dev video, all its clips")
    for axes, cost, what in zip(panels, costs, words, strict=True):
        lost = f"{100 * max_drop:g} points lost"
        axes.axhline(least, color="0.5", linewidth=1, linestyle="--", label=lost)
        for row, size in enumerate(sizes):
            for column, stride in enumerate(strides):
                line = [
                    (point.frames, cost[i], 100 * point.top1)
                    for i, point in enumerate(points)
                    if (point.size, point.stride) == (size, stride)
                ]
                if line:
                    label = f"{size} pixels, stride {stride}"
                    _draw_line(axes, sorted(line), row=row, column=column, label=label)
        axes.plot(
            cost[0], 100 * points[0].top1, "*", color="black", markersize=13, label="own clip"
        )
        axes.plot(
            cost[chosen],
            100 * points[chosen].top1,
            "o",
            color="black",
            markersize=13,
            fillstyle="none",
            label="cheapest by the video within that",
        )
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.4g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel(f"multiply-accumulates of {what}, millions")
    panels[0].set_ylabel("video top-1 on dev, %")
    figure.suptitle(title, fontsize=10)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=8, frameon=False,
                  title="number at a point: frames", title_fontsize=8)  # fmt: skip
    return figure


def _draw_line(
    axes: Axes,
    line: Sequence[tuple[int, float, float]],
    *,
    row: int,
    column: int,
    label: str,
) -> None:
    colour = COLOURS[row % len(COLOURS)]
    axes.plot(
        [cost for _, cost, _ in line],
        [top for _, _, top in line],
        color=colour,
        marker=MARKERS[column % len(MARKERS)],
        linestyle=_DASHES[column % len(_DASHES)],
        markersize=5,
        linewidth=1.3,
        label=label,
    )
    for frames, cost, top in line:
        axes.annotate(
            str(frames), (cost, top), xytext=(5, 4), textcoords="offset points", fontsize=7,
            color=colour,
        )  # fmt: skip
