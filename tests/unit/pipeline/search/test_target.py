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


def test_what_cannot_be_met_is_told_with_the_best_there_is() -> None:
    target = target_of(SearchOptions(target_latency_ms=1), eager_ms=0.0)
    with pytest.raises(ScheduleError) as caught:
        target.require(PRICE, where="openvino, int8")
    assert str(caught.value).startswith(
        "target_latency_ms: 1 cannot be met: it allows 1 ms, and the smallest candidate takes 5 ms"
    )
    target_of(SearchOptions(target_latency_ms=5), eager_ms=0.0).require(PRICE, where="")
