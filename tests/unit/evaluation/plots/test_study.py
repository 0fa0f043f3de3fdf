"""The figure of a study, as far as a program can look at it."""

from __future__ import annotations

from pathlib import Path

import cv2

from vcc.evaluation.plots.cost import CostPoint
from vcc.evaluation.plots.study import study_figure
from vcc.evaluation.plots.style import save_figure


def point(top1: float, ms: float) -> CostPoint:
    return CostPoint(name="n", video_top1=top1, latency_ms=ms, size_bytes=ms * 1e6, runtime="ORT")


POINTS = [
    ("a", "dense", point(0.9, 100)),
    ("a", "filters", point(0.88, 20)),
    ("b", "dense", point(0.8, 30)),
    ("b", "filters", point(0.95, 2)),
]


def test_a_colour_per_network_and_a_marker_per_method() -> None:
    figure = study_figure(POINTS)
    axes = figure.axes[0]
    shown = axes.collections
    assert [tuple(c.get_offsets()[0]) for c in shown] == [(100, 90), (20, 88), (30, 80), (2, 95)]
    colours = [tuple(c.get_facecolor()[0]) for c in shown]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    outlines = [c.get_paths()[0].vertices.tobytes() for c in shown]
    assert outlines[0] == outlines[2] != outlines[1] == outlines[3]
    sizes = [c.get_sizes()[0] for c in shown]
    assert sorted(sizes) == [sizes[3], sizes[1], sizes[2], sizes[0]]
    names = [[text.get_text() for text in legend.get_texts()] for legend in figure.legends]
    assert names == [["a", "b"], ["dense", "filters"]]
    # the front: the only point that nothing beats
    assert axes.lines[-1].get_xydata().tolist() == [[2, 95]]
    assert axes.get_xscale() == "log"


def test_it_draws_what_a_study_may_hold(tmp_path: Path) -> None:
    many = [
        (f"$net_{i}$", f"method {k}", point(0.5, 1 + i + k)) for i in range(9) for k in range(9)
    ]
    for number, points in enumerate([[], POINTS[:1], many]):
        picture = cv2.imread(str(save_figure(study_figure(points), tmp_path / f"{number}.png")))
        assert picture is not None
        assert picture.std() > 1
