"""The figure of scores over time: the highest classes, as steps to the end of the last clip."""

from __future__ import annotations

import numpy as np

from vcc.evaluation.plots.timeline import timeline_figure


def test_the_classes_that_are_highest_anywhere_are_drawn() -> None:
    scores = np.array([[0.1, 0.2, 0.7], [0.6, 0.2, 0.2]], np.float32)
    figure = timeline_figure([0, 0.5, 0.8], ["a", "b", "c"], scores, title="v.avi", most=2)
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == ["c", "a"]
    assert list(axes.lines[0].get_xdata()) == [0, 0.5, 0.8]
    # The last step is as long as the last clip.
    assert np.allclose(axes.lines[0].get_ydata(), [70, 20, 20])
    assert axes.get_xlim() == (0, 0.8)
    assert axes.get_title() == "v.avi"
