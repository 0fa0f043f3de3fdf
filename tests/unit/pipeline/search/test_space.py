"""Candidates are an Optuna trial's parameters and back, within what can be built."""

from __future__ import annotations

import optuna
import pytest

from vcc.pipeline.search.groups import LayerGroup
from vcc.pipeline.search.space import (
    FLOAT,
    INT8,
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


def test_what_optuna_proposes_can_be_written_and_read() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(5):
        trial = study.ask()
        candidate = SPACE.suggest(trial)
        assert trial.params == candidate.params()
        assert SearchCandidate.from_params(trial.params) == candidate
        assert set(candidate.ranks.values()) <= set(RANKS)


def test_the_smallest_has_the_least_of_everything() -> None:
    smallest = SPACE.smallest(int8=True)
    assert set(smallest.filters.values()) == {MOST}
    assert set(smallest.ranks.values()) == {min(RANKS)}


def test_a_start_decomposes_the_stem_alone() -> None:
    made = SPACE.of({"a": 0.52, "b": 2.0}, 0.25, False)
    assert made.filters == {"a": 0.5, "b": MOST}
    assert made.ranks == {"stem": 0.25, "hidden": 1.0}


@pytest.mark.parametrize(("share", "expected"), [(-1, 0.0), (0.37, 0.35), (0.95, 0.9)])
def test_shares_are_multiples_of_a_step(share: float, expected: float) -> None:
    assert rounded(share) == pytest.approx(expected)
    assert rounded(share) / STEP == pytest.approx(round(rounded(share) / STEP))
