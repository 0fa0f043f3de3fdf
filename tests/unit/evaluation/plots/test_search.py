"""The figure of a search shows every kind of point, the front and the target."""

from __future__ import annotations

import numpy as np

from vcc.evaluation.plots.search import search_figure


def test_points_front_and_target_are_drawn() -> None:
    front = [(2.0, 0.6), (4.0, 0.9)]
    points = {"trials": [*front, (5.0, 0.8)], "dense": [(9.0, 0.95)]}
    figure = search_figure(points, front, limit=4.5, axis="ms", title="x")
    (axes,) = figure.axes
    places = [np.asarray(each.get_offsets()).tolist() for each in axes.collections]
    assert places == [[[2.0, 60.0], [4.0, 90.0], [5.0, 80.0]], [[9.0, 95.0]]]
    line, limit = axes.get_lines()
    assert list(line.get_xdata()) == [2.0, 4.0]
    assert list(limit.get_xdata()) == [4.5, 4.5]
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["trials", "dense", "target"]
