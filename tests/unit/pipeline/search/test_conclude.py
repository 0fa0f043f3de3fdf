"""A search ends with its report, and with the best finalist that holds its marks."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from search_found import found_of, latency

from vcc.compression.schedule.loader import load_schedule
from vcc.config.entrypoints import SearchEntry
from vcc.config.search import SearchOptions
from vcc.errors import GateError
from vcc.pipeline.export.turns import Timed
from vcc.pipeline.search.conclude import (
    best_finalist,
    holds,
    log_found,
    report_text,
    write_schedule,
)
from vcc.pipeline.search.groups import LayerGroup
from vcc.pipeline.search.space import INT8, Space
from vcc.pipeline.search.step import Workshop
from vcc.pipeline.search.target import target_of


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """Of a space of one group, for what only writes."""
    group = LayerGroup(name="a", weights=("layer1.0.conv1.weight",))
    builder: Any = type("Builder", (), {})()
    builder.space = Space(groups=(group,), units={"stem": ("conv1.weight",)}, precisions=(INT8,))
    nothing: Any = None
    return Workshop(
        builder=builder,
        prices=nothing,
        judge=nothing,
        target=found_of().target,
        provider="openvino",
        quant_target="cpu",
        dense_top1=0.9,
        folder=tmp_path,
    )


def test_a_trial_s_schedule_says_what_it_is(workshop: Workshop, options: SearchEntry) -> None:
    path = write_schedule(found_of().outcomes[0], workshop, options, "resnet10b")
    text = path.read_text()
    assert path.name == "trial0.yaml"
    assert "# goal:     target_latency_ms 5 for resnet10b, found by search" in text
    assert f"-P schedule={path}" in text
    assert "4 ms and dev video top-1 80.0 % after a short training" in text
    assert load_schedule(path).in_section("quantizers")


def test_everything_found_is_kept_and_logged(
    workshop: Workshop, options: SearchEntry, run: Any
) -> None:
    log_found(found_of(), workshop, options, "resnet10b", run)
    assert set(run.files) == {
        "search/trials.csv",
        "search/front.csv",
        "search/front.png",
        "search/report.md",
        "schedules/trial0.yaml",
        "schedules/trial1.yaml",
    }
    assert run.metrics["latency_error"] == [pytest.approx(0.25)]
    assert (workshop.folder / "report.md").read_text() == report_text(
        found_of(), arch="resnet10b", provider="openvino"
    )


def test_the_report_says_the_target_and_that_test_was_not_read() -> None:
    text = report_text(found_of(), arch="resnet10b", provider="openvino")
    assert (
        "Target: at most 5 ms; the dense network: 10 ms, dev video top-1 90.0% of 40 videos" in text
    )
    assert "Test videos were not read." in text
    assert "| trial0 | 85.0 | 4.00 |" in text


def test_the_best_holds_target_and_drop() -> None:
    found = found_of()
    assert best_finalist(found, max_drop=None).name == "trial0"
    assert best_finalist(found, max_drop=0.05).name == "trial0"
    with pytest.raises(GateError, match="no finalist holds target_latency_ms and max_drop=0.04"):
        best_finalist(found, max_drop=0.04)
    with pytest.raises(GateError, match="no finalist holds target_latency_ms: the best, trial0"):
        best_finalist(found_of(target_latency_ms=3.9), max_drop=None)
    differs = dataclasses.replace(found, times={})
    with pytest.raises(GateError, match="no finalist's file agrees with its network"):
        best_finalist(differs, max_drop=None)


def test_of_those_that_hold_a_drop_the_fastest_is_the_best() -> None:
    found = found_of()
    slower = dataclasses.replace(found.finalists[0], name="trial9", top1=0.9)
    target = target_of(SearchOptions(max_drop=0.05), eager_ms=40.0, dense_ms=10.0)
    times = {**found.times, "trial9": Timed(latency=latency(6.0), size_mb=2.0)}
    both = dataclasses.replace(
        found, target=target, finalists=[slower, *found.finalists], times=times
    )
    assert best_finalist(both, max_drop=0.05).name == "trial0"
    assert best_finalist(both, max_drop=0.01).name == "trial9"
    as_slow = dataclasses.replace(both, times={**times, "dense": times["trial0"]})
    with pytest.raises(GateError, match=r"no finalist holds max_drop=0.05: the best, trial9"):
        best_finalist(as_slow, max_drop=0.05)


@pytest.mark.parametrize(("megabytes", "held"), [(2.0, True), (1.9, False)])
def test_a_size_is_that_of_the_file(megabytes: float, held: bool) -> None:
    found = found_of(target_size_mb=megabytes)
    assert holds(found.finalists[0], found) == held


@pytest.mark.parametrize(("asked", "held"), [(10.0, True), (10.1, False)])
def test_a_speed_up_is_that_of_the_same_turns(asked: float, held: bool) -> None:
    # In PyTorch it took 40 ms in these turns, and 400 when the search began.
    found = found_of(target_speedup=asked)
    early = dataclasses.replace(found.target, limit=400.0 / asked)
    found = dataclasses.replace(found, target=early)
    assert holds(found.finalists[0], found) == held
    if not held:
        with pytest.raises(GateError, match=r"takes 4 ms \(10.00x against dense in PyTorch\)"):
            best_finalist(found, max_drop=None)
