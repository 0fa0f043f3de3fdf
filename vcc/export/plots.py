"""Pictures of measured latency: bars per runtime, and accuracy against latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from vcc.export.runtime_table import Row
from vcc.figure_text import save_picture
from vcc.pareto import pareto_front

_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_OWN_PRECISION = ("f32", "int8")


def plot_latency(rows: Sequence[Row], path: Path) -> Path:
    """Draw the median of every row that was run, with a whisker to the 95th percentile.

    Args:
        rows: of one batch size.
        path: the PNG file to write.
    """
    timed = [row for row in rows if row.latency is not None]
    networks = list(dict.fromkeys(row.network for row in timed))
    figure = Figure(figsize=(8, 1.2 + 0.36 * len(timed)), layout="constrained")
    axes = figure.subplots()
    for position, row in enumerate(timed):
        if row.latency is None:
            continue
        colour = _COLOURS[networks.index(row.network) % len(_COLOURS)]
        tail = max(0.0, row.latency.p95_ms - row.latency.p50_ms)
        axes.barh(position, row.latency.p50_ms, xerr=[[0], [tail]], color=colour, height=0.7)
        axes.annotate(
            f" {row.latency.p50_ms:.2f}",
            (row.latency.p50_ms + tail, position),
            va="center",
            fontsize=8,
        )
    labels = [f"{row.network}: {row.runtime} {row.precision}" for row in timed]
    axes.set_yticks(range(len(timed)), labels, fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    clips = "one clip" if not timed or timed[0].batch == 1 else f"{timed[0].batch} clips"
    axes.set_xlabel(f"milliseconds per run of {clips}, median; whisker: 95th percentile")
    return _save(figure, path)


def plot_pareto(rows: Sequence[Row], accuracies: Mapping[str, float], path: Path) -> Path:
    """Draw accuracy against median latency; the line joins what nothing beats in both.

    A colour for each network, a marker for each runtime. Rows in bfloat16 and float16 are left out:
    the accuracy of a file is measured in the precision that it has.

    Args:
        rows: of one batch size.
        accuracies: network to video accuracy of its file, 0..1.
        path: the PNG file to write.
    """
    shown = [row for row in rows if row.network in accuracies and row.precision in _OWN_PRECISION]
    timed = [(row, row.latency.p50_ms) for row in shown if row.latency is not None]
    networks = list(dict.fromkeys(row.network for row, _ in timed))
    runtimes = list(dict.fromkeys(row.runtime for row, _ in timed))
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    points = [(ms, accuracies[row.network]) for row, ms in timed]
    front = pareto_front(points, key=lambda point: point)
    axes.plot([p[0] for p in front], [100 * p[1] for p in front], color="#bbbbbb", zorder=1)
    for row, ms in timed:
        axes.scatter(
            [ms],
            [100 * accuracies[row.network]],
            color=_COLOURS[networks.index(row.network) % len(_COLOURS)],
            marker=_MARKERS[runtimes.index(row.runtime) % len(_MARKERS)],
            label=f"{row.network}, {row.runtime} {row.precision}",
            zorder=2,
        )
    axes.set_xscale("log")
    # Plain numbers: powers of ten say little over a span of less than two of them.
    for axis_formatter in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        axis_formatter(StrMethodFormatter("{x:g}"))
    axes.set_xlabel("milliseconds per run, median")
    axes.set_ylabel("video top-1, %")
    if timed:
        axes.legend(fontsize=7)
    return _save(figure, path)


def _save(figure: Figure, path: Path) -> Path:
    FigureCanvasAgg(figure)
    save_picture(figure, path, dpi=120)
    return path
