"""Trials are kept in a database, found again, and give a front."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from vcc.config.entrypoints import SearchEntry
from vcc.errors import ConfigError
from vcc.pipeline.search.groups import LayerGroup
from vcc.pipeline.search.prices import Measured
from vcc.pipeline.search.space import FLOAT, SearchCandidate, Space
from vcc.pipeline.search.study import COSTLY, JUDGED, Outcome, Study, front
from vcc.pipeline.search.target import Price, target_of

SPACE = Space(groups=(LayerGroup(name="a", weights=("a",)),), units={}, precisions=(FLOAT,))


def candidate(share: float) -> SearchCandidate:
    return SPACE.of({"a": share}, 1.0, False)


def outcome(number: int, macs: float, top1: float | None) -> Outcome:
    return Outcome(
        number=number,
        candidate=candidate(0.5),
        end=COSTLY if top1 is None else JUDGED,
        price=Price(latency_ms=1.0, macs=macs, size_mb=1.0),
        settled_top1=top1,
        top1=top1,
    )


def study(options: SearchEntry, folder: Path) -> Study:
    return Study(options, name="it", folder=folder, target=target_of(options, eager_ms=1.0))


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_trials_outlive_the_process(options: SearchEntry, tmp_path: Path, sampler: str) -> None:
    options = dataclasses.replace(options, sampler=sampler)
    first = study(options, tmp_path)
    first.enqueue([candidate(0.3), candidate(0.6)])
    for top1 in (0.7, None):
        trial = first.ask()
        told = dataclasses.replace(
            outcome(trial.number, 0.4, top1), candidate=SPACE.suggest(trial),
            measured=None if top1 is None else Measured(latency_ms=2.0, size_mb=3.0),
        )  # fmt: skip
        first.tell(trial, told)
    again = study(options, tmp_path)
    found = again.outcomes()
    assert [each.candidate for each in found] == [candidate(0.3), candidate(0.6)]
    assert [each.top1 for each in found] == [0.7, None]
    assert found[0].best_price() == Price(latency_ms=2.0, macs=0.4, size_mb=3.0)
    # What was tried is not put into the queue again; what Optuna draws next is of the space.
    again.enqueue([candidate(0.3)])
    assert SPACE.suggest(again.ask()).filters["a"] >= 0
    assert len(again.outcomes()) == 2


def test_an_interrupted_candidate_is_tried_again(options: SearchEntry, tmp_path: Path) -> None:
    first = study(options, tmp_path)
    first.enqueue([candidate(0.3)])
    first.ask()
    assert first.give_up_stale() == 0
    gone = dataclasses.replace(options)
    again = study(gone, tmp_path)
    # A process that is no more: of a number that no process can have.
    first._worker = f"{first._worker.rpartition(':')[0]}:{2**22 + os.getpid()}"
    first.ask()
    assert again.give_up_stale() == 1
    again.enqueue([candidate(0.6)])
    assert SPACE.suggest(again.ask()) == candidate(0.6)


def test_the_better_is_more_accurate_or_as_accurate_and_surer() -> None:
    plain = dataclasses.replace(outcome(0, 0.5, 0.9), loss=0.4)
    surer = dataclasses.replace(plain, loss=0.3)
    righter = dataclasses.replace(plain, top1=0.95, loss=0.9)
    given_up = outcome(4, 0.1, None)
    assert sorted([given_up, plain, righter, surer], key=Outcome.rank) == [
        righter,
        surer,
        plain,
        given_up,
    ]
    assert surer.better_than(plain)
    assert not plain.better_than(plain)


def test_the_front_is_what_nothing_beats(options: SearchEntry) -> None:
    target = target_of(options, eager_ms=1.0)
    outcomes = [
        outcome(0, 0.5, 0.9),
        outcome(1, 0.3, 0.7),
        outcome(2, 0.4, 0.6),
        outcome(3, 0.6, 0.9),
        outcome(4, 0.1, None),
    ]
    assert [each.number for each in front(outcomes, target)] == [1, 0]


def test_a_database_that_cannot_be_is_one_line(options: SearchEntry, tmp_path: Path) -> None:
    broken = dataclasses.replace(options, storage="nothing://here")
    with pytest.raises(ConfigError, match="storage: nothing://here: cannot be opened: ") as caught:
        study(broken, tmp_path)
    assert "\n" not in str(caught.value)
