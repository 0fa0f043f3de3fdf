"""Fronts: what no other beats in both cost and gain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vcc.pareto import pareto_front

Point = tuple[float, float]


def itself(point: Point) -> Point:
    return point


@pytest.mark.parametrize(
    ("points", "front"),
    [
        ([], []),
        ([(1.0, 0.5)], [(1.0, 0.5)]),
        ([(3.0, 0.9), (2.0, 0.4), (1.0, 0.5)], [(1.0, 0.5), (3.0, 0.9)]),
        ([(1.0, 0.5), (1.0, 0.7), (1.0, 0.7)], [(1.0, 0.7)]),
        ([(1.0, 0.5), (2.0, 0.5)], [(1.0, 0.5)]),
        ([(1.0, 0.5), (1.0, 0.5)], [(1.0, 0.5)]),
    ],
)
def test_by_hand(points: list[Point], front: list[Point]) -> None:
    assert pareto_front(points, key=itself) == front


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12))
def test_who_is_left_out_is_beaten_and_who_is_in_is_not(points: list[Point]) -> None:
    front = pareto_front(points, key=itself)
    for point in points:
        beaten = any(cost <= point[0] and gain >= point[1] for cost, gain in front)
        assert beaten
    for point in front:
        others = [other for other in points if other != point]
        assert not any(cost <= point[0] and gain >= point[1] for cost, gain in others)
