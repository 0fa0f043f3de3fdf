"""Figures draw what they are given, for one class and for a hundred, and say their units."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
import torch
from matplotlib.figure import Figure

from vcc.evaluation.calibration import Reliability
from vcc.evaluation.per_class import ClassAccuracy, class_rows
from vcc.evaluation.plots.accuracy import (
    class_change_figure,
    confusion_figure,
    per_class_figure,
    reliability_figure,
)
from vcc.evaluation.plots.clips import ClipPoint, clip_sensitivity_figure
from vcc.evaluation.plots.cost import (
    CostPoint,
    LayerSparsity,
    fastest_and_best,
    pareto_figure,
    removed_figure,
    sparsity_figure,
)
from vcc.evaluation.plots.sensitivity import sensitivity_figure
from vcc.evaluation.plots.style import save_figure, shortened


def point(name: str, accuracy: float, latency: float, runtime: str = "OpenVINO f32") -> CostPoint:
    return CostPoint(
        name=name, video_top1=accuracy, latency_ms=latency, size_bytes=1e6, runtime=runtime
    )


def curve(ece: float) -> Reliability:
    nan = float("nan")
    return Reliability(
        edges=(0.0, 0.5, 1.0), videos=(0, 9), confidence=(nan, 0.9), accuracy=(nan, 0.7), ece=ece
    )


def classes(*accuracies: float) -> list[ClassAccuracy]:
    return [
        ClassAccuracy(label=f"$class {i}$ with a name", videos=4, accuracy=value, confused_with="")
        for i, value in enumerate(accuracies)
    ]


def test_the_front_leaves_out_what_is_beaten() -> None:
    points = [point("dense", 0.9, 30), point("bad", 0.8, 31), point("small", 0.88, 10)]
    assert [p.name for p in fastest_and_best(points)] == ["small", "dense"]


def test_equals_do_not_both_stand_in_the_front() -> None:
    assert len(fastest_and_best([point("a", 0.9, 10), point("b", 0.9, 10)])) == 1


def test_runtimes_are_not_joined_by_one_front() -> None:
    axes = pareto_figure([point("a", 0.9, 30), point("b", 0.9, 10, "onnxruntime CPU")]).axes[0]
    assert len(axes.lines) == 2
    assert "ms" in axes.get_xlabel()
    assert "%" in axes.get_ylabel()


def test_per_class_shows_the_worst_first_and_skips_the_unknown() -> None:
    unknown = ClassAccuracy(label="x", videos=0, accuracy=float("nan"), confused_with="")
    rows = [*classes(0.9, 0.2), unknown]
    axes = per_class_figure(rows, title="t").axes[0]
    assert [bar.get_width() for bar in axes.patches] == [20, 90]
    assert axes.get_yticklabels()[0].get_text().startswith("$class 1$")


@pytest.mark.parametrize("n", [1, 3, pytest.param(101, marks=pytest.mark.slow)])
def test_every_figure_is_written(tmp_path: Path, n: int) -> None:
    labels = [f"$class {i}$ with a long name that goes on and on" for i in range(n)]
    confusion = torch.randint(0, 9, (n, n)) + torch.eye(n, dtype=torch.long)
    rows = class_rows(confusion, labels)
    layers = [
        LayerSparsity(name=k, weights=10, removed=0.3, zero=0.5, filter_sparsity=0.1)
        for k in labels
    ]
    figures: list[Figure] = [
        confusion_figure(confusion, labels, title="t"),
        per_class_figure(rows, title="t"),
        class_change_figure(rows, rows[::-1], names=("dense", "compressed")),
        reliability_figure({"dense": curve(0.2), "compressed": curve(0.1)}),
        pareto_figure([point(k, 0.5, 10.0 + i) for i, k in enumerate(labels)]),
        sparsity_figure(layers, title="t"),
        removed_figure(labels, [100] * n, [0] + [50] * (n - 1)),
    ]
    for number, figure in enumerate(figures):
        picture = cv2.imread(str(save_figure(figure, tmp_path / f"{number}.png")))
        assert picture is not None
        assert picture.shape[0] > 150
        assert picture.std() > 1


def test_long_names_keep_both_ends() -> None:
    assert shortened("module.layer1.0.conv1.weight", 12) == "modul…weight"
    assert shortened("short") == "short"


def test_the_sensitivity_figure_names_the_most_sensitive_layer_first() -> None:
    levels = [0.0, 0.3, 0.6]
    curves = {
        "$tough$": [(level, 0.9) for level in levels],
        "tender": [(level, 0.9 - level) for level in levels],
        "between": [(level, 0.9 - level / 2) for level in levels],
    }
    proposal = {"$tough$": 0.6, "tender": 0.0, "between": 0.3}
    figure = sensitivity_figure(
        curves, baseline=0.9, proposal=proposal, max_drop=0.2, title="one layer pruned"
    )
    (legend,) = figure.legends
    assert [text.get_text().strip() for text in legend.get_texts()] == [
        "20 points lost",
        "tender: 0 %",
        "between: 30 %",
        "$tough$: 60 %",
    ]
    (axes,) = figure.axes
    rings = [line for line in axes.lines if line.get_fillstyle() == "none"]
    assert sorted(float(line.get_xdata()[0]) for line in rings) == [0.0, 30.0, 60.0]


def test_the_clip_figure_has_a_line_per_size_and_stride_for_clip_and_video(tmp_path: Path) -> None:
    points = [
        ClipPoint(
            frames=frames,
            stride=stride,
            size=size,
            macs=1e6 * frames * size**2,
            macs_per_video=1e6 * 16 / stride * size**2,
            top1=0.9 - 0.1 * stride,
        )
        for size in (48, 24)
        for stride in (1, 2)
        for frames in (8, 4)
    ]
    figure = clip_sensitivity_figure(points, chosen=3, max_drop=0.1, title="clips")
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "10 points lost",
        "48 pixels, stride 1",
        "48 pixels, stride 2",
        "24 pixels, stride 1",
        "24 pixels, stride 2",
        "own clip",
        "cheapest by the video within that",
    ]
    assert len(figure.axes) == 2
    for axes, costs in zip(figure.axes, (("macs", "macs"), ("macs_per_video",) * 2), strict=True):
        own, ring = axes.lines[-2:]
        assert float(own.get_xdata()[0]) == getattr(points[0], costs[0]) / 1e6
        assert float(ring.get_xdata()[0]) == getattr(points[3], costs[1]) / 1e6
        assert axes.get_xscale() == "log"
    assert save_figure(figure, tmp_path / "clips.png").stat().st_size > 1000
