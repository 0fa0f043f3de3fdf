"""What all figures share: colours that colour-blind readers can tell apart, saving, table sizes.

Figures are made without pyplot, so that no display, no global state and no open window is involved.
`vcc.figure_text` keeps the names in them as they were given.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vcc.figure_text import save_picture

# Okabe and Ito's palette: blue, vermilion, green, purple, orange, sky, black.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DPI = 110


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure of that size in inches, and its axes with a light grid."""
    figure, (axes,) = new_panels(width, height, count=1)
    return figure, axes


def new_panels(width: float, height: float, *, count: int) -> tuple[Figure, list[Axes]]:
    """Return a figure of that size in inches, and axes side by side that share their height."""
    figure = Figure(figsize=(width, height), layout="constrained")
    panels: list[Axes] = list(figure.subplots(1, count, sharey=True, squeeze=False)[0])
    for axes in panels:
        axes.grid(visible=True, color="0.9", linewidth=0.8)
        axes.set_axisbelow(True)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    return figure, panels


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_picture(figure, path, dpi=DPI)
    return path


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Label the rows of a horizontal bar chart, the first at the top."""
    size = 8 if len(names) <= 40 else 6
    axes.set_yticks(range(len(names)), [shortened(name) for name in names], fontsize=size)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")


def shortened(name: str, length: int = 34) -> str:
    """Return a name with its middle left out when it is longer than `length`."""
    if len(name) <= length:
        return name
    head = (length - 1) // 2
    return f"{name[:head]}…{name[-(length - 1 - head) :]}"
