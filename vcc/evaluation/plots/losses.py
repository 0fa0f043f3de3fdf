"""The figure of what each method loses: a row per network and method, an interval per reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from vcc.evaluation.plots.style import COLOURS, MARKERS, name_rows, new_figure

# (mean, low, high) as shares; None where there is nothing to compare with.
LossSpan = tuple[float, float, float] | None


def loss_figure(names: Sequence[str], losses: Mapping[str, Sequence[LossSpan]]) -> Figure:
    """Return losses of video accuracy in points with their intervals; above 0 something is lost.

    Args:
        names: of the rows, from the top.
        losses: what is compared with -> a span per row.
    """
    figure, axes = new_figure(8.4, 1.6 + 0.34 * len(names))
    if names:
        name_rows(axes, names)
    apart = 0.28
    for number, (reference, spans) in enumerate(losses.items()):
        offset = apart * (number - (len(losses) - 1) / 2)
        there = [(row + offset, span) for row, span in enumerate(spans) if span is not None]
        means = [100 * span[0] for _, span in there]
        reaches = [
            [100 * (span[0] - span[1]) for _, span in there],
            [100 * (span[2] - span[0]) for _, span in there],
        ]
        axes.errorbar(
            means,
            [place for place, _ in there],
            # A percentile interval may leave its mean out by a rounding.
            xerr=[[max(0.0, reach) for reach in side] for side in reaches],
            color=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number % len(MARKERS)],
            markersize=5,
            linestyle="",
            elinewidth=1.2,
            capsize=2,
            label=f"against {reference}",
        )
    axes.axvline(0, color="0.3", linewidth=1)
    axes.set_xlabel("loss of video top-1, points, with its 95 % interval; left of 0: better")
    axes.legend(frameon=False, fontsize=8, loc="best")
    return figure
