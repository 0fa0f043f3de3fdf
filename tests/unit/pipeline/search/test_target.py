"""A target is a limit on one figure of a price."""

from __future__ import annotations

import pytest

from vcc.config.search import SearchOptions
from vcc.errors import ScheduleError
from vcc.pipeline.search.target import Price, target_of

PRICE = Price(latency_ms=5.0, macs=0.4, size_mb=2.0)


@pytest.mark.parametrize(
    ("options", "limit", "violation"),
    [
        (SearchOptions(target_latency_ms=4), 4.0, 0.25),
        (SearchOptions(target_speedup=20), 10.0, -0.5),
        (SearchOptions(target_macs=0.2), 0.2, 1.0),
        (SearchOptions(target_size_mb=2), 2.0, 0.0),
    ],
)
def test_each_option_limits_its_figure(
    options: SearchOptions, limit: float, violation: float
) -> None:
    target = target_of(options, eager_ms=200.0)
    assert target.limit == limit
    assert target.violation(PRICE) == pytest.approx(violation)


def test_a_drop_alone_asks_for_what_is_faster_than_the_dense_network() -> None:
    target = target_of(SearchOptions(max_drop=0.01), eager_ms=200.0, dense_ms=4.0)
    assert (target.figure, target.limit, target.drop) == ("latency_ms", 4.0, 0.01)
    assert target.words() == "at most 4 ms, as the dense network takes, at a drop of 0.01 or less"
    bounded = target_of(SearchOptions(target_macs=0.2, max_drop=0.01), eager_ms=200.0)
    assert bounded.drop is None
    assert bounded.words() == "at most 0.2 of the dense network's MACs"


def test_what_the_dense_network_meets_is_said() -> None:
    target = target_of(SearchOptions(target_latency_ms=5), eager_ms=0.0)
    assert target.note(PRICE).startswith("target_latency_ms: 5 is met by the dense network itself")
    assert target_of(SearchOptions(target_latency_ms=4), eager_ms=0.0).note(PRICE) == ""
    # What is as fast as the dense network is what a drop alone asks to beat.
    assert target_of(SearchOptions(max_drop=0.1), eager_ms=0.0, dense_ms=9.0).note(PRICE) == ""


def test_what_cannot_be_met_is_told_with_the_best_there_is() -> None:
    target = target_of(SearchOptions(target_latency_ms=1), eager_ms=0.0)
    with pytest.raises(ScheduleError) as caught:
        target.require(PRICE, where="openvino, int8")
    assert str(caught.value).startswith(
        "target_latency_ms: 1 cannot be met: it allows 1 ms, and the smallest candidate takes 5 ms"
    )
    target_of(SearchOptions(target_latency_ms=5), eager_ms=0.0).require(PRICE, where="")
