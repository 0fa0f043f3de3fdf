"""Figures of cost: accuracy against latency and size, sparsity layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from vcc.evaluation.plots.style import COLOURS, MARKERS, name_rows, new_figure, shortened
from vcc.pareto import pareto_front

_NAMED_POINTS = 14
# A little over 100, so that a point there is whole.
TOP_PERCENT = 101.0


@dataclass(frozen=True, kw_only=True)
class CostPoint:
    """A measured variant: what it is called, its accuracy (0..1), latency (ms), size (bytes).

    `runtime` is what ran it: latencies of different runtimes are not compared.
    """

    name: str
    video_top1: float
    latency_ms: float
    size_bytes: float
    runtime: str


@dataclass(frozen=True, kw_only=True)
class LayerSparsity:
    """What became of a layer's weights.

    Attributes:
        name: of its weight.
        weights: how many the dense layer has.
        removed: share of them that is gone with its channels, 0..1.
        zero: share of them that is there and zero, 0..1.
        filter_sparsity: share of the filters left that are zero throughout, 0..1.
    """

    name: str
    weights: int
    removed: float
    zero: float
    filter_sparsity: float


def fastest_and_best(points: Sequence[CostPoint]) -> list[CostPoint]:
    """Return the points that no other beats in both accuracy and latency, fastest first."""
    return pareto_front(points, key=lambda point: (point.latency_ms, point.video_top1))


def pareto_figure(points: Sequence[CostPoint]) -> Figure:
    """Return accuracy against latency, the area of a point its size; one front per runtime."""
    figure, axes = new_figure(8.4, 5.2)
    runtimes = sorted({point.runtime for point in points})
    largest = max((point.size_bytes for point in points), default=1.0)
    for number, runtime in enumerate(runtimes):
        own = [point for point in points if point.runtime == runtime]
        colour = COLOURS[number % len(COLOURS)]
        front = fastest_and_best(own)
        axes.plot(
            [p.latency_ms for p in front],
            [100 * p.video_top1 for p in front],
            color=colour,
            drawstyle="steps-post",
            linewidth=1,
            alpha=0.6,
        )
        axes.scatter(
            [p.latency_ms for p in own],
            [100 * p.video_top1 for p in own],
            s=[30 + 400 * p.size_bytes / largest for p in own],
            color=colour,
            marker=MARKERS[number % len(MARKERS)],
            alpha=0.55,
            label=runtime,
        )
        if len(points) <= _NAMED_POINTS:
            for point in own:
                axes.annotate(
                    f"{shortened(point.name)}\n{point.size_bytes / 1e6:.1f} MB",
                    (point.latency_ms, 100 * point.video_top1),
                    xytext=(9, -4),
                    textcoords="offset points",
                    va="top",
                    fontsize=7,
                    parse_math=False,
                )
    axes.margins(x=0.22, y=0.22)
    axes.set_ylim(top=min(axes.get_ylim()[1], TOP_PERCENT))
    # Room for the largest point must not make times negative.
    axes.set_xlim(left=0)
    axes.set_xlabel("latency of one run, median, ms")
    axes.set_ylabel("video top-1 on the test videos, %")
    axes.set_title("area: size of the exported file; line: not beaten in both", fontsize=9)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False, markerscale=0.5)
    return figure


def sparsity_figure(rows: Sequence[LayerSparsity], *, title: str) -> Figure:
    """Return each layer's shares of removed and of zero weights, in the network's order."""
    figure, axes = new_figure(7.5, 1.6 + 0.24 * len(rows))
    places = range(len(rows))
    removed = [100 * row.removed for row in rows]
    axes.barh(places, removed, height=0.5, color="0.65", label="removed with their channels")
    axes.barh(
        places,
        [100 * row.zero for row in rows],
        left=removed,
        height=0.5,
        color=COLOURS[0],
        label="zero",
    )
    axes.plot(
        [100 * row.filter_sparsity for row in rows],
        places,
        marker="|",
        markersize=9,
        linestyle="",
        color=COLOURS[4],
        label="filters left that are zero throughout",
    )
    name_rows(axes, [f"{row.name.removesuffix('.weight')} ({row.weights:,})" for row in rows])
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the layer, % (number of its dense weights in brackets)")
    axes.set_title(title, fontsize=10)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def removed_figure(names: Sequence[str], before: Sequence[int], after: Sequence[int]) -> Figure:
    """Return each layer's weights before and after compression, on a logarithmic axis.

    Args:
        names: layers, in the network's order.
        before: weights of each in the dense network.
        after: weights of each that are left and not zero.
    """
    figure, axes = new_figure(7.5, 1.6 + 0.24 * len(names))
    for offset, values, colour, label in (
        (-0.2, before, "0.75", "dense"),
        (0.2, after, COLOURS[0], "left after compression, not zero"),
    ):
        places = [place + offset for place in range(len(names))]
        axes.barh(places, values, height=0.38, color=colour, label=label)
    shares = [1 - new / old if old else 0.0 for old, new in zip(before, after, strict=True)]
    name_rows(
        axes,
        [
            f"{name.removesuffix('.weight')} (-{100 * share:.0f} %)"
            for name, share in zip(names, shares, strict=True)
        ],
    )
    axes.set_xscale("log")
    axes.set_xlabel("weights of the layer (share that is gone in brackets)")
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure
