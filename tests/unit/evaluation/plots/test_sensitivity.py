"""The figure of a sensitivity analysis."""

from __future__ import annotations

from vcc.evaluation.plots.sensitivity import sensitivity_figure

# Some networks call their layers so, and matplotlib keeps such labels out of legends.
CURVES = {
    "robust": [(0.0, 0.9), (0.5, 0.9)],
    "_fragile": [(0.0, 0.9), (0.5, 0.1)],
}


def test_the_most_sensitive_layer_comes_first_whatever_it_is_called() -> None:
    figure = sensitivity_figure(
        CURVES, baseline=0.9, proposal={"robust": 0.5}, max_drop=0.05, title="test"
    )
    (legend,) = figure.legends
    names = [text.get_text().strip() for text in legend.get_texts()]
    assert names == ["5 points lost", "_fragile: 0 %", "robust: 50 %"]


def test_a_ring_marks_what_is_proposed() -> None:
    figure = sensitivity_figure(
        CURVES, baseline=0.9, proposal={"robust": 0.5}, max_drop=0.05, title="test"
    )
    (axes,) = figure.axes
    level, fragile, robust, ring = axes.lines
    assert list(level.get_ydata()) == [85.0, 85.0]
    assert list(fragile.get_ydata()) == [90.0, 10.0]
    assert list(robust.get_xdata()) == [0.0, 50.0]
    assert (list(ring.get_xdata()), ring.get_fillstyle()) == ([50.0], "none")
