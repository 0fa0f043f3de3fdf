"""Candidates are given up as soon as that is clear, and every one is a run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import vcc.pipeline.search.trials as trials
from vcc.compression.sensitivity.measured import EvalResult
from vcc.config.entrypoints import SearchEntry
from vcc.errors import StoppedError, TrainingError
from vcc.pipeline.search.groups import LayerGroup
from vcc.pipeline.search.knobs.precision import Precision
from vcc.pipeline.search.prices import Measured
from vcc.pipeline.search.space import FLOAT, SearchCandidate, Space
from vcc.pipeline.search.study import COSTLY, FAILED, JUDGED, Outcome, Study
from vcc.pipeline.search.target import Price, target_of
from vcc.pipeline.search.trials import Trials, is_hopeless


class CandidateBuilder:
    """Builds nothing: a network is its candidate."""

    space = Space(groups=(LayerGroup(name="a", weights=("a",)),), units={}, precisions=(FLOAT,))

    def build(self, candidate: SearchCandidate) -> SearchCandidate:
        return candidate


class Prices:
    """Half of the filters gone costs just the target."""

    def of(self, candidate: SearchCandidate, _precision: Precision) -> Price:
        return Price(latency_ms=1.0, macs=1 - candidate.filters["a"], size_mb=1.0)

    def measure(self, candidate: SearchCandidate, _precision: Precision) -> Measured:
        return Measured(latency_ms=2.0, size_mb=1.0)


class Judge:
    """Says that everything is right; may be told to fail."""

    def __init__(self, error: BaseException | None = None) -> None:
        self._error = error

    def settle(self, candidate: SearchCandidate) -> float:
        return 0.5

    def train(self, candidate: SearchCandidate, run: Any) -> None:
        if self._error is not None:
            raise self._error

    def score(self, candidate: SearchCandidate) -> EvalResult:
        # What loses more is right as often, and less sure.
        return EvalResult(0.75, 1.0, candidate.filters["a"])


class Runs:
    """Remembers what each trial's run was told."""

    def __init__(self, run: Any) -> None:
        self.names: list[str] = []
        self.run = run

    @contextlib.contextmanager
    def __call__(self, name: str, _options: object) -> Iterator[Any]:
        self.names.append(name)
        yield self.run


@pytest.fixture
def runs(run: Any, monkeypatch: pytest.MonkeyPatch) -> Runs:
    made = Runs(run)
    monkeypatch.setattr(trials, "child_run", made)
    return made


def taking(share: float) -> SearchCandidate:
    return CandidateBuilder.space.of({"a": share}, 1.0, False)


def made(
    options: SearchEntry, folder: Path, error: BaseException | None = None
) -> tuple[Trials, Study]:
    builder: Any = CandidateBuilder()
    target = target_of(options, eager_ms=1.0)
    study = Study(options, name="it", folder=folder, target=target)
    prices: Any = Prices()
    judge: Any = Judge(error)
    return Trials(study, builder, prices, judge, target=target, options=options), study


def test_what_costs_too_much_is_not_trained(
    options: SearchEntry, tmp_path: Path, runs: Runs
) -> None:
    tried, study = made(options, tmp_path)
    study.enqueue([taking(0.0), *(taking(0.5 + 0.1 * i) for i in range(3))])
    outcomes = tried.run(seconds=600)
    assert [each.end for each in outcomes] == [COSTLY, JUDGED, JUDGED, JUDGED]
    assert [each.top1 for each in outcomes] == [None, 0.75, 0.75, 0.75]
    # Only what is the best so far is timed.
    assert [each.measured is not None for each in outcomes] == [False, True, False, False]
    assert runs.names == [f"trial {number}" for number in range(4)]
    assert runs.run.params["precision"] == FLOAT
    assert runs.run.metrics["predicted_latency_ms"] == [1.0] * 4
    assert runs.run.metrics["dev_video_top1"] == [0.75] * 3
    assert len(tried.run(seconds=600)) == 4


def test_no_time_is_no_trial(options: SearchEntry, tmp_path: Path, runs: Runs) -> None:
    tried, _ = made(options, tmp_path)
    assert tried.run(seconds=-1.0) == []


def test_a_candidate_that_fails_is_passed_over(
    options: SearchEntry, tmp_path: Path, runs: Runs
) -> None:
    tried, study = made(options, tmp_path, TrainingError("not a number"))
    study.enqueue([taking(share) for share in (0.5, 0.6, 0.7)])
    assert [each.end for each in tried.run(seconds=600)] == [FAILED] * 3


def test_who_stops_it_stops_it(options: SearchEntry, tmp_path: Path, runs: Runs) -> None:
    tried, study = made(options, tmp_path, StoppedError("stopped"))
    study.enqueue([taking(0.5)])
    with pytest.raises(StoppedError):
        tried.run(seconds=600)
    assert study.outcomes() == []
    study.enqueue([taking(0.5)])
    assert CandidateBuilder.space.suggest(study.ask()) == taking(0.5)


def settled(*top1s: float) -> list[Outcome]:
    candidate = SearchCandidate(filters={}, ranks={}, int8=False)
    price = Price(latency_ms=1.0, macs=1.0, size_mb=1.0)
    return [
        Outcome(number=i, candidate=candidate, end=JUDGED, price=price, settled_top1=top1)
        for i, top1 in enumerate(top1s)
    ]


def test_the_lowest_quarter_is_hopeless_once_there_is_one() -> None:
    assert not is_hopeless(0.0, settled(0.5, 0.6, 0.7, 0.8, 0.9))
    many = settled(0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    assert is_hopeless(0.5, many)
    assert not is_hopeless(0.7, many)
