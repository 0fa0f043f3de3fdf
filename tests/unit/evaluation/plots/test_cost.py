"""Figures of cost show what they were given."""

from __future__ import annotations

import pytest

from vcc.evaluation.plots.cost import (
    CostPoint,
    LayerSparsity,
    fastest_and_best,
    pareto_figure,
    removed_figure,
    sparsity_figure,
)


def point(name: str, top1: float, ms: float, runtime: str = "cpu") -> CostPoint:
    return CostPoint(name=name, video_top1=top1, latency_ms=ms, size_bytes=2e6, runtime=runtime)


def test_a_front_is_what_no_other_beats_in_both() -> None:
    slow, fast, beaten = point("slow", 0.9, 4.0), point("fast", 0.5, 1.0), point("no", 0.4, 2.0)
    assert fastest_and_best([slow, beaten, fast]) == [fast, slow]
    same = point("same", 0.9, 4.0)
    assert fastest_and_best([slow, same]) == [slow]
    assert fastest_and_best([]) == []


def test_each_runtime_has_a_front_of_its_own() -> None:
    figure = pareto_figure([point("a", 0.9, 4.0), point("b", 0.99, 1.0, runtime="gpu")])
    (axes,) = figure.axes
    assert len(axes.lines) == 2
    assert [text.get_text() for text in axes.texts] == ["a\n2.0 MB", "b\n2.0 MB"]
    assert axes.get_xlim()[0] == 0
    assert axes.get_ylim()[1] <= 101


@pytest.mark.parametrize(("count", "named"), [(14, 14), (15, 0)])
def test_many_points_are_not_named(count: int, named: int) -> None:
    points = [point(str(number), 0.5, 1.0 + number) for number in range(count)]
    (axes,) = pareto_figure(points).axes
    assert len(axes.texts) == named


def test_zeros_stand_behind_what_is_removed() -> None:
    rows = [
        LayerSparsity(
            name="conv1.weight", weights=1200, removed=0.5, zero=0.25, filter_sparsity=0.1
        )
    ]
    (axes,) = sparsity_figure(rows, title="test").axes
    removed, zero = axes.patches
    assert (removed.get_width(), zero.get_x(), zero.get_width()) == (50.0, 50.0, 25.0)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["conv1 (1,200)"]
    assert list(axes.lines[0].get_xdata()) == [10.0]


def test_the_share_that_is_gone_stands_beside_the_name() -> None:
    (axes,) = removed_figure(["conv1.weight", "empty"], [100, 0], [25, 0]).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["conv1 (-75 %)", "empty (-0 %)"]
    assert axes.get_xscale() == "log"
