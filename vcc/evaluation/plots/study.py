"""The figure of a study: what each network loses and gains by each method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from vcc.evaluation.plots.cost import TOP_PERCENT, CostPoint, fastest_and_best
from vcc.evaluation.plots.style import COLOURS, MARKERS, new_figure, shortened

_SMALLEST, _LARGEST = 30, 330


def study_figure(points: Sequence[tuple[str, str, CostPoint]]) -> Figure:
    """Return accuracy against latency: a colour per model, a marker per method.

    Latency is on a logarithmic axis, so that equal speed-ups are equal distances. Lines lead from a
    model's first point, the dense network, to its others.

    Args:
        points: model, method and what was measured; the dense network first of a model's.
    """
    figure, axes = new_figure(8.4, 5.6)
    colours = _assigned([model for model, _, _ in points], COLOURS)
    markers = _assigned([method for _, method, _ in points], MARKERS)
    largest = max((point.size_bytes for _, _, point in points), default=1.0)
    dense: dict[str, CostPoint] = {}
    for model, method, point in points:
        start = dense.setdefault(model, point)
        colour, marker = colours[model], markers[method]
        axes.plot(*_places([start, point]), color=colour, linewidth=0.8, alpha=0.35)
        size = _SMALLEST + (_LARGEST - _SMALLEST) * point.size_bytes / largest
        axes.scatter(*_places([point]), s=size, color=colour, marker=marker, alpha=0.6)
    front = fastest_and_best([point for _, _, point in points])
    axes.plot(*_places(front), color="0.4", drawstyle="steps-post", linewidth=1, linestyle=":")
    _finish(axes)
    _legend(figure, colours, markers)
    return figure


def _assigned(names: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    unique = dict.fromkeys(names)
    return {name: values[number % len(values)] for number, name in enumerate(unique)}


def _places(points: Sequence[CostPoint]) -> tuple[list[float], list[float]]:
    return [p.latency_ms for p in points], [100 * p.video_top1 for p in points]


def _finish(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.08, y=0.1)
    axes.set_ylim(top=min(axes.get_ylim()[1], TOP_PERCENT))
    axes.set_xlabel("latency of one run on the fastest runtime, median, ms")
    axes.set_ylabel("video top-1 on the test videos, %")
    axes.set_title("area: size of the exported file; dotted: not beaten in both", fontsize=9)


def _legend(figure: Figure, colours: dict[str, str], markers: dict[str, str]) -> None:
    models = [
        Line2D([], [], color=colour, linewidth=4, label=shortened(name))
        for name, colour in colours.items()
    ]
    methods = [
        Line2D([], [], color="0.4", linestyle="", marker=marker, label=shortened(name))
        for name, marker in markers.items()
    ]
    style: dict[str, Any] = {"fontsize": 8, "title_fontsize": 8, "frameon": False}
    legends = (
        figure.legend(handles=models, title="network", loc="outside right upper", **style),
        figure.legend(handles=methods, title="method", loc="outside right lower", **style),
    )
    for legend in legends:
        for text in legend.get_texts():
            text.set_parse_math(False)
