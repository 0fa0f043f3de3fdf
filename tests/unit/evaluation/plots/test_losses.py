"""The figure of losses, as far as a program can look at it."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from vcc.evaluation.plots.losses import loss_figure
from vcc.evaluation.plots.style import save_figure

LOSSES = {
    "dense": [(0.01, -0.01, 0.03), (0.2, 0.1, 0.3)],
    "longer": [None, (0.25, 0.2, 0.26)],
}


def test_every_reference_has_its_points_and_reaches() -> None:
    axes = loss_figure(["net a", "net b"], LOSSES).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["net a", "net b"]
    dense, longer = axes.containers
    assert dense[0].get_xdata().tolist() == pytest.approx([1.0, 20.0])
    assert longer[0].get_xdata().tolist() == pytest.approx([25.0])
    ends = dense[2][0].get_segments()
    assert [end[:, 0].tolist() for end in ends] == [
        pytest.approx([-1.0, 3.0]),
        pytest.approx([10.0, 30.0]),
    ]
    # Rows of two references lie one above the other, on both sides of the name's line.
    assert dense[0].get_ydata()[1] < 1 < longer[0].get_ydata()[0]
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["against dense", "against longer"]


def test_it_draws_what_a_study_may_hold(tmp_path: Path) -> None:
    many = [f"$net_{number}$ method" for number in range(20)]
    spans = [(0.0, 0.0, 0.0)] * 20
    for number, (names, losses) in enumerate([([], {"dense": []}), (many, {"dense": spans})]):
        path = save_figure(loss_figure(names, losses), tmp_path / f"{number}.png")
        picture = cv2.imread(str(path))
        assert picture is not None
        assert picture.std() > 1
