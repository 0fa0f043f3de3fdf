"""Groups are tried one by one, and the first candidates take no more than the target needs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from vcc.config.compression import ClipChoice
from vcc.pipeline.search.groups import LayerGroup
from vcc.pipeline.search.knobs.stem_time import StemTime
from vcc.pipeline.search.sensitivity import LEVELS, curves_csv, measure_curves, start_points
from vcc.pipeline.search.space import FLOAT, INT8, MOST, SearchCandidate, Space

SPACE = Space(
    groups=(LayerGroup(name="a", weights=("a",)), LayerGroup(name="b", weights=("b",))),
    units={"stem": ("a",)},
    precisions=(INT8, FLOAT),
)
CURVES = {"a": {0.0: 1.0, 0.3: 1.0, 0.6: 1.0, 0.9: 0.9}, "b": {0.0: 1.0, 0.3: 0.5, 0.9: 0.1}}


class CandidateBuilder:
    """Builds nothing: a network is its candidate."""

    space = SPACE

    def build(self, candidate: SearchCandidate) -> SearchCandidate:
        return candidate


class Judge:
    """Loses what group a loses; counts the networks."""

    def __init__(self) -> None:
        self.count = 0

    def settle(self, candidate: SearchCandidate) -> float:
        self.count += 1
        return 1 - candidate.filters["a"]


def test_a_curve_per_group_is_measured_once(tmp_path: Path) -> None:
    builder: Any = CandidateBuilder()
    judge: Any = Judge()
    kept = tmp_path / "sensitivity.json"
    curves = measure_curves(builder, judge, dense_top1=1.0, kept=kept)
    assert judge.count == len(LEVELS) * 2
    assert curves["a"] == {0.0: 1.0, 0.3: 0.7, 0.6: 0.4, 0.9: pytest.approx(0.1)}
    assert set(curves["b"].values()) == {1.0}
    assert measure_curves(builder, judge, dense_top1=1.0, kept=kept) == curves
    assert judge.count == len(LEVELS) * 2
    assert "a,0.3,0.7" in curves_csv(curves)


def cost(candidate: SearchCandidate) -> float:
    left = sum(1 - share for share in candidate.filters.values()) / 2
    stem = 0.8 if candidate.taps or candidate.ranks["stem"] < 1 else 1
    return left * (0.5 if candidate.int8 else 1.0) * stem


def test_starts_meet_the_target_and_just_so() -> None:
    found = start_points(SPACE, CURVES, lambda candidate: cost(candidate) <= 0.4)
    assert all(cost(candidate) <= 0.4 for candidate in found)
    assert found[-1] == SPACE.smallest(int8=True)
    alike = [each for each in found[:-1] if len(set(each.filters.values())) == 1]
    assert all(cost(candidate) > 0.3 for candidate in alike)
    # What costs nothing goes before what costs half of the accuracy.
    assert any(each.filters["a"] > each.filters["b"] for each in found)


def test_every_knob_is_turned_once_in_the_first_precision() -> None:
    clips = {
        text: ClipChoice(sample_duration=frames, sample_size=8)
        for text, frames in (("4x8x8", 4), ("2x8x8", 2))
    }
    wide = dataclasses.replace(SPACE, stem_time=StemTime("a", 7), clips=clips)
    found = start_points(wide, CURVES, lambda candidate: cost(candidate) <= 0.4)[:-1]
    assert {each.taps for each in found} == {0, 3}
    assert {each.clip for each in found} == set(clips)
    assert all(each.int8 for each in found if each.taps or each.clip == "2x8x8")
    # One at a time.
    assert not any(each.taps and each.clip == "2x8x8" for each in found)


def test_only_the_smallest_is_left_where_nothing_else_meets_it() -> None:
    found = start_points(SPACE, CURVES, lambda candidate: min(candidate.ranks.values()) < 0.1)
    assert found == [SPACE.smallest(int8=True)]
    assert found[0].filters == {"a": MOST, "b": MOST}
