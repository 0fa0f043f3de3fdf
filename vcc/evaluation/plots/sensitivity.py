"""The figure of a sensitivity analysis: accuracy against sparsity, a line per layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

from vcc.evaluation.plots.style import MARKERS, new_figure, shortened

_ROWS_PER_INCH = 4.6
_DASHES = ("-", "--", ":")


def sensitivity_figure(
    curves: Mapping[str, Sequence[tuple[float, float]]],
    *,
    baseline: float,
    proposal: Mapping[str, float],
    max_drop: float,
    title: str,
) -> Figure:
    """Return top-1 against sparsity; the legend names the most sensitive layer first.

    Colour runs from the most sensitive layer to the least, so that a line is found by its place in
    the legend; a ring marks what is proposed for the layer.

    Args:
        curves: layer -> (sparsity, top-1), shares 0..1, ascending.
        baseline: top-1 with nothing pruned.
        proposal: layer -> sparsity.
        max_drop: the loss of top-1 that a layer may cost.
        title: what was measured.
    """
    means = {name: sum(top for _, top in points) / len(points) for name, points in curves.items()}
    order = sorted(curves, key=lambda name: means[name])
    figure, axes = new_figure(10.5, max(5.2, 1.2 + len(order) / _ROWS_PER_INCH))
    least = 100 * (baseline - max_drop)
    lost = f"{100 * max_drop:g} points lost"
    axes.axhline(least, color="0.5", linewidth=1, linestyle="--", label=lost)
    colours = mpl.colormaps["turbo"]
    for rank, name in enumerate(order):
        sparsities = [100 * sparsity for sparsity, _ in curves[name]]
        tops = [100 * top for _, top in curves[name]]
        place = rank / max(1, len(order) - 1)
        # turbo's ends are nearly black: they are left out
        colour = colours(0.95 - 0.87 * place)
        axes.plot(
            sparsities,
            tops,
            color=colour,
            marker=MARKERS[rank % len(MARKERS)],
            linestyle=_DASHES[rank // len(MARKERS) % len(_DASHES)],
            markersize=4,
            linewidth=1.4,
            # A label that begins with an underscore is none to matplotlib: a space goes first.
            label=f" {shortened(name)}: {100 * proposal.get(name, 0.0):.0f} %",
        )
        rings = [
            (sparsity, top)
            for sparsity, top in zip(sparsities, tops, strict=True)
            if sparsity == 100 * proposal.get(name, -1.0)
        ]
        for sparsity, top in rings:
            axes.plot(sparsity, top, "o", markersize=9, fillstyle="none", color=colour)
    axes.set_xlabel("sparsity of that one layer, %")
    axes.set_ylabel("video top-1 on dev, %")
    axes.set_title(title, fontsize=10)
    legend = figure.legend(
        loc="outside right upper",
        fontsize=7,
        frameon=False,
        title="most sensitive first; ring: proposal",
        title_fontsize=8,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure
