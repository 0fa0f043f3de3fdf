"""A walk of a graph that does not end is stopped by the count of its steps."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from vcc.compression.channels.steps import UntraceableError, limit_steps
from vcc.errors import ScheduleError


def graph(n_edges: int) -> SimpleNamespace:
    edges = [SimpleNamespace(index_mapping=[None]) for _ in range(n_edges)]
    return SimpleNamespace(module2node={"layer": SimpleNamespace(dependencies=edges)})


def test_every_edge_counts_and_passes_its_numbers_on() -> None:
    made = graph(3)
    count = limit_steps(made)
    for edge in made.module2node["layer"].dependencies:
        numbers = [1, 2]
        assert edge.index_mapping[-1](numbers) is numbers
    assert count.steps == 3


def test_more_steps_than_a_graph_of_this_size_takes_are_an_error() -> None:
    small, large = limit_steps(graph(1)), limit_steps(graph(100))
    assert large.limit - small.limit == 99 * 10
    for _ in range(small.limit):
        small([])
    with pytest.raises(UntraceableError, match=f"cannot be traced within {small.limit} steps"):
        small([])
    assert issubclass(UntraceableError, ScheduleError)
    # Each walk has all of them.
    small.steps = 0
    assert small([]) == []
