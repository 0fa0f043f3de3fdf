"""Figures of accuracy show what they were given."""

from __future__ import annotations

import math

import pytest
import torch

from vcc.evaluation.calibration import Reliability
from vcc.evaluation.intervals import wilson_interval
from vcc.evaluation.per_class import ClassAccuracy
from vcc.evaluation.plots.accuracy import (
    class_change_figure,
    confusion_figure,
    per_class_figure,
    reliability_figure,
)


def row(label: str, accuracy: float, videos: int = 4) -> ClassAccuracy:
    return ClassAccuracy(label=label, videos=videos, accuracy=accuracy, confused_with="")


def test_a_confusion_is_coloured_by_share_and_numbered_by_videos() -> None:
    counts = torch.tensor([[3, 1], [0, 0]])
    figure = confusion_figure(counts, ["run", "$walk$"], title="test")
    axes = figure.axes[0]
    # A class without videos has no share, and no error.
    assert axes.images[0].get_array().tolist() == [[0.75, 0.25], [0.0, 0.0]]  # type: ignore[union-attr]
    assert [text.get_text() for text in axes.texts] == ["3", "1"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["run", "$walk$"]
    assert not axes.get_yticklabels()[1].get_parse_math()


@pytest.mark.parametrize(("classes", "numbered", "named"), [(17, False, True), (151, False, False)])
def test_many_classes_have_no_room_for_numbers_or_names(
    classes: int, numbered: bool, named: bool
) -> None:
    labels = [f"class {number}" for number in range(classes)]
    axes = confusion_figure(torch.eye(classes), labels, title="test").axes[0]
    assert bool(axes.texts) is numbered
    assert ("class 0" in [label.get_text() for label in axes.get_yticklabels()]) is named


def test_classes_come_worst_first_and_unknown_ones_not_at_all() -> None:
    rows = [row("good", 1.0), row("none", math.nan, 0), row("bad", 0.25)]
    (axes,) = per_class_figure(rows, title="test").axes
    assert [bar.get_width() for bar in axes.patches] == [25.0, 100.0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["bad (4)", "good (4)"]


def test_the_largest_loss_comes_first() -> None:
    before = [row("a", 0.5), row("b", 1.0), row("c", 1.0, 0)]
    after = [row("a", 0.75), row("b", 0.5), row("c", 1.0, 0)]
    figure = class_change_figure(before, after, names=("dense", "small"))
    (axes,) = figure.axes
    assert [line.get_xdata().tolist() for line in axes.lines] == [[100.0, 50.0], [50.0, 75.0]]  # type: ignore[union-attr]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b (4)", "a (4)"]
    with pytest.raises(ValueError, match="zip"):
        class_change_figure(before, after[:2], names=("dense", "small"))


def test_of_many_classes_those_that_changed_most_are_compared() -> None:
    before = [row(f"class {number}", 0.5) for number in range(101)]
    after = [row(f"class {number}", 0.5 + (number - 50) / 101) for number in range(101)]
    (axes,) = class_change_figure(before, after, names=("dense", "compressed")).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert len(names) == 40
    assert (names[0], names[-1]) == ("class 0 (4)", "class 100 (4)")
    assert axes.get_title() == "61 classes that changed less are left out"


def test_empty_bins_are_left_out_of_the_curve() -> None:
    curve = Reliability(
        edges=(0.0, 0.5, 1.0),
        videos=(0, 12),
        confidence=(math.nan, 0.8),
        accuracy=(math.nan, 0.5),
        ece=0.3,
    )
    upper, lower = reliability_figure({"dense": curve, "small": curve}).axes
    _, labels = upper.get_legend_handles_labels()
    assert labels == ["perfectly calibrated", "dense: ECE 30.0 %", "small: ECE 30.0 %"]
    assert list(upper.lines[1].get_xdata()) == [0.8]
    interval = wilson_interval(6, 12)
    ends = upper.collections[0].get_segments()[0]  # type: ignore[attr-defined]
    assert [y for _, y in ends] == pytest.approx([interval.low, interval.high])
    assert [bar.get_height() for bar in lower.patches] == [0, 12, 0, 12]
    # Bars of two networks lie beside each other.
    assert lower.patches[2].get_x() >= lower.patches[0].get_x() + lower.patches[0].get_width()
