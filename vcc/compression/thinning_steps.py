"""A limit on the steps of tracing channels: some networks' graphs are walked without end.

Torch-Pruning takes a slice in time for one of channels, and then shifts numbers in a circle. Steps
are counted, not seconds, so that a loaded machine says the same as an idle one.
"""

from __future__ import annotations

from typing import Any

from vcc.errors import ScheduleError

# Of the families that are shipped, narrowed, none takes 6 % of it (ShuffleNetV2: 5.5 %).
_LEAST, _PER_EDGE = 2000, 10


class UntraceableError(ScheduleError):
    """The channels of a network cannot be followed; it is left whole."""


class _StepCount:
    """Stands among the maps of every edge of a graph, and changes nothing."""

    def __init__(self, limit: int) -> None:
        self.limit, self.steps = limit, 0

    def __call__(self, indices: list[Any]) -> list[Any]:
        self.steps += 1
        if self.steps > self.limit:
            msg = (
                f"the channels of this network cannot be traced within {self.limit} steps: "
                "a slice, a difference of frames or attention may lead in a circle"
            )
            raise UntraceableError(msg)
        return indices


def limit_steps(graph: Any) -> _StepCount:
    """Make a built dependency graph raise `UntraceableError` where a walk does not end.

    Returns:
        The counter; set `steps` to 0 before each walk.
    """
    edges = [edge for node in graph.module2node.values() for edge in node.dependencies]
    count = _StepCount(_LEAST + _PER_EDGE * len(edges))
    for edge in edges:
        edge.index_mapping.append(count)
    return count
