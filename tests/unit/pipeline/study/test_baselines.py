"""Answers that never look, as sentences of a study's report."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from study_cells import cell

from vcc.pipeline.study import baselines
from vcc.pipeline.study.baselines import baseline_notes


def fold(*labels: int) -> Any:
    videos = [SimpleNamespace(label=label) for label in labels]
    return SimpleNamespace(
        videos=lambda _: videos, manifest=SimpleNamespace(videos=[None] * len(labels))
    )


def test_a_split_has_its_largest_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "largest_class_share", lambda _: 0.255)
    assert baseline_notes(fold(0), [], []) == ["Always naming the largest class scores 25.5%."]


def test_folds_are_scored_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "resolutions_of", lambda _: None)
    answers = {2: ([0, 0], [0, 1]), 3: ([1, 1, 1], [1, 0, 0])}
    monkeypatch.setattr(
        baselines, "baseline_answers", lambda each, _: answers[len(each.manifest.videos)]
    )
    (note,) = baseline_notes(fold(0, 1, 1, 1, 0), [fold(0, 1), fold(1, 1, 0)], [])
    # Right are 1 + 2 of five, and 2 + 2.
    assert note.startswith("On the same 5 videos, always naming the largest class scores 60.0%,")
    assert note.endswith("mostly has 80.0%.")


def test_networks_that_are_no_better_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "largest_class_share", lambda _: 0.5)
    results = [
        cell(method="dense", model="good", right="1110"),
        # 3 of 6 right in both repeats together
        cell(method="dense", model="poor", right="1100"),
        cell(method="dense", model="poor", right="10", repeat="s2"),
        cell(method="filters", model="good", right="0000"),
    ]
    notes = baseline_notes(fold(0), [], results)
    assert notes[1:] == ["Not above the largest class: poor."]
