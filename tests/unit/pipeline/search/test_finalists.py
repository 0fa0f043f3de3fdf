"""Finalists meet the target, the most accurate first; a kept network is not made again."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

import vcc.pipeline.search.finalists as finalists
from vcc.config.entrypoints import SearchEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.search.finalists import Finals, choose_finalists
from vcc.pipeline.search.prices import Measured
from vcc.pipeline.search.space import SearchCandidate
from vcc.pipeline.search.study import JUDGED, Outcome
from vcc.pipeline.search.target import Price, target_of


def outcome(number: int, ms: float, top1: float | None, measured: float | None = None) -> Outcome:
    return Outcome(
        number=number,
        candidate=SearchCandidate(filters={"a": number / 10}, ranks={}, int8=False),
        end=JUDGED,
        price=Price(latency_ms=ms, macs=0.1 * number, size_mb=1.0),
        measured=None if measured is None else Measured(latency_ms=measured, size_mb=1.0),
        top1=top1,
        loss=ms,
    )


OUTCOMES = [
    outcome(1, 3.0, 0.8),
    outcome(2, 3.0, 0.9),
    outcome(3, 2.0, 0.9, measured=2.5),
    outcome(4, 3.5, 0.95),
    outcome(5, 9.0, 1.0),
    outcome(6, 1.0, None),
]


def test_times_are_measured_of_the_best_only_and_hold() -> None:
    timed: list[int] = []

    def measured(each: Outcome) -> Outcome:
        timed.append(each.number)
        ms = 5.0 if each.number == 4 else 3.0
        return dataclasses.replace(each, measured=Measured(latency_ms=ms, size_mb=1.0))

    target = target_of(SearchEntry(target_latency_ms=4.0), eager_ms=1.0)
    chosen = choose_finalists(OUTCOMES, target, dense_top1=1.0, measured=measured)
    assert next(chosen).number == 3
    # The fourth was predicted to meet the target, and does not.
    assert timed == [4]
    assert [each.number for each in chosen] == [2, 1]


def test_other_targets_are_known_without_timing() -> None:
    def measured(each: Outcome) -> Outcome:
        raise AssertionError

    target = target_of(SearchEntry(target_macs=0.35), eager_ms=1.0)
    chosen = choose_finalists(OUTCOMES, target, dense_top1=1.0, measured=measured)
    assert [each.number for each in chosen] == [3, 2, 1]


def test_of_those_that_cost_no_more_than_a_drop_the_cheapest_are_the_best() -> None:
    def measured(each: Outcome) -> Outcome:
        return dataclasses.replace(
            each, measured=Measured(latency_ms=each.price.latency_ms, size_mb=1)
        )

    target = target_of(SearchEntry(max_drop=0.1), eager_ms=1.0, dense_ms=8.0)
    chosen = choose_finalists(OUTCOMES, target, dense_top1=1.0, measured=measured)
    # The first misses the drop, and the fifth is slower than the dense network.
    assert [each.number for each in chosen] == [3, 2, 4, 1]


@pytest.mark.slow
def test_a_network_that_is_kept_is_loaded(
    network: Network,
    dataset: PreparedDataset,
    options: SearchEntry,
    run: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Path] = []
    real = finalists.compress

    def compress(*given: Any, **named: Any) -> Any:
        made.append(given[2].schedule)
        return real(*given, **named)

    monkeypatch.setattr(finalists, "compress", compress)
    schedule = tmp_path / "trial7.yaml"
    schedule.write_text("extensions: {x: {class: PreciseBN}}\n"
                        "policies: [{extension: {instance_name: x}, epochs: [0]}]\n")  # fmt: skip
    finals = Finals(network, dataset, options, parent=None, folder=tmp_path)
    first, second = (finals.make(schedule, run) for _ in range(2))
    assert made == [schedule]
    assert second.network.card == first.network.card
    assert second.recipe.method == "search"
    assert second.recipe.training.no_cuda
    assert second.before == first.before
