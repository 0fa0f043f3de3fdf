"""Candidates are an Optuna trial's parameters and back, within what can be built."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import optuna
import pytest

from vcc.config.compression import ClipChoice
from vcc.pipeline.search.groups import LayerGroup
from vcc.pipeline.search.knobs.stem_time import StemTime
from vcc.pipeline.search.space import (
    ALL_TAPS,
    FLOAT,
    INT8,
    MIXED,
    MOST,
    RANKS,
    STEP,
    SearchCandidate,
    Space,
    rounded,
)

SPACE = Space(
    groups=(LayerGroup(name="a", weights=("a.weight",)), LayerGroup(name="b", weights=("b",))),
    units={"stem": ("a.weight",), "hidden": ("b",)},
    precisions=(INT8, FLOAT),
)
# With every knob that there is.
WIDE = dataclasses.replace(
    SPACE,
    precisions=(INT8, FLOAT, MIXED),
    stages={"stage1": ("a",), "stage2": ("b", "c")},
    stem_time=StemTime("a.weight", 7),
    clips={"8x32x32": ClipChoice(sample_duration=8, sample_size=32),
           "4x32x32": ClipChoice(sample_duration=4, sample_size=32)},
)  # fmt: skip


def suggestions(space: Space, count: int) -> Iterator[SearchCandidate]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(count):
        trial = study.ask()
        candidate = space.suggest(trial)
        assert trial.params == candidate.params()
        assert SearchCandidate.from_params(trial.params) == candidate
        yield candidate


@pytest.mark.parametrize("space", [SPACE, WIDE])
def test_what_optuna_proposes_can_be_written_and_read(space: Space) -> None:
    for candidate in suggestions(space, 5):
        assert set(candidate.ranks.values()) <= set(RANKS)


def test_every_knob_is_turned_and_none_twice() -> None:
    found = list(suggestions(WIDE, 40))
    assert {each.taps for each in found} == {ALL_TAPS, 5, 3, 1}
    assert {each.clip for each in found} == set(WIDE.clips)
    # A stem that is cut in time is not decomposed, too.
    assert all(("stem" in each.ranks) is not bool(each.taps) for each in found)
    assert {each.params()["precision"] for each in found} == {INT8, FLOAT, MIXED}
    assert all(set(each.stages) in (set(), set(WIDE.stages)) for each in found)
    floats = {WIDE.precision(each).floats for each in found}
    assert floats == {(), ("a",), ("b", "c"), ("a", "b", "c")}


def test_the_smallest_has_the_least_of_everything() -> None:
    smallest = SPACE.smallest(int8=True)
    assert set(smallest.filters.values()) == {MOST}
    assert set(smallest.ranks.values()) == {min(RANKS)}
    assert WIDE.smallest(int8=True).clip == "4x32x32"


def test_a_start_decomposes_the_stem_alone() -> None:
    made = SPACE.of({"a": 0.52, "b": 2.0}, 0.25, False)
    assert made.filters == {"a": 0.5, "b": MOST}
    assert made.ranks == {"stem": 0.25, "hidden": 1.0}
    assert (made.taps, made.clip) == (None, None)


def test_a_start_cuts_the_stem_or_decomposes_it_and_has_the_own_clip() -> None:
    cut = WIDE.of({"a": 0.5, "b": 0.5}, 0.25, True, taps=3)
    assert (cut.taps, cut.ranks, cut.clip) == (3, {"hidden": 1.0}, "8x32x32")
    assert WIDE.of({"a": 0.5, "b": 0.5}, 0.25, True, clip="4x32x32").clip == "4x32x32"


@pytest.mark.parametrize(("share", "expected"), [(-1, 0.0), (0.37, 0.35), (0.95, 0.9)])
def test_shares_are_multiples_of_a_step(share: float, expected: float) -> None:
    assert rounded(share) == pytest.approx(expected)
    assert rounded(share) / STEP == pytest.approx(round(rounded(share) / STEP))
