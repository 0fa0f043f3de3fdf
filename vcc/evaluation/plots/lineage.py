"""The figure of where networks come from: which was made from which, and what was done to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vcc.evaluation.plots.style import COLOURS, shortened

# Inches.
_COLUMN, _ROW = 2.3, 0.9
_LONGEST = 30


@dataclass(frozen=True, kw_only=True)
class LineageNode:
    """A network in the figure.

    Attributes:
        name: what others call it.
        text: below its name; "" for nothing.
        parent: what it was made from; None for nothing that is known.
        stages: what was done to it, such as "masked, thinned".
        teacher: what it was distilled from; None for nothing.
        marked: drawn stronger: the champion.
    """

    name: str
    text: str = ""
    parent: str | None = None
    stages: str = ""
    teacher: str | None = None
    marked: bool = False


def lineage_figure(nodes: Sequence[LineageNode]) -> Figure:
    """Return networks as boxes, each right of what it was made from; dashes lead from a teacher.

    A box says what was done to its parent.

    Parents and teachers that are no node of their own have a box with their name.

    Args:
        nodes: in any order, their names unique.
    """
    named = _with_origins(nodes)
    places = _places(named)
    columns = 1 + max(x for x, _ in places.values())
    rows = 1 + max(y for _, y in places.values())
    figure = Figure(figsize=(0.4 + _COLUMN * columns, 0.4 + _ROW * rows), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(-0.45, columns - 0.35)
    axes.set_ylim(rows - 0.4, -0.6)
    for node in named.values():
        _draw_box(axes, node, places[node.name])
        if node.parent is not None:
            _draw_arrow(axes, places[node.parent], places[node.name])
        # A network that was distilled from what it was made from has one line.
        if node.teacher is not None and node.teacher != node.parent:
            _draw_arrow(axes, places[node.teacher], places[node.name], dashed=True)
    return figure


def _draw_box(axes: Axes, node: LineageNode, place: tuple[float, float]) -> None:
    lines = [shortened(line, _LONGEST) for line in (node.name, node.stages, node.text) if line]
    axes.annotate(
        "\n".join(lines),
        place,
        ha="center",
        va="center",
        fontsize=8,
        bbox={
            "boxstyle": "round,pad=0.4",
            "facecolor": "white",
            "edgecolor": COLOURS[2] if node.marked else COLOURS[0],
            "linewidth": 2.4 if node.marked else 1.2,
        },
        zorder=3,
    )


def _draw_arrow(
    axes: Axes, origin: tuple[float, float], place: tuple[float, float], *, dashed: bool = False
) -> None:
    axes.annotate(
        "",
        place,
        xytext=origin,
        arrowprops={
            "arrowstyle": "->",
            "color": COLOURS[3] if dashed else "0.5",
            "linestyle": "--" if dashed else "-",
            # A teacher's line must not run along those of what lies between.
            "connectionstyle": "arc3,rad=-0.3" if dashed else "arc3",
            # Points: half of a box's width.
            "shrinkA": 40,
            "shrinkB": 52,
        },
        zorder=1,
    )


def _with_origins(nodes: Sequence[LineageNode]) -> dict[str, LineageNode]:
    """Return the nodes by name, with those that are only named as an origin."""
    named = {node.name: node for node in nodes}
    for node in nodes:
        for origin in (node.parent, node.teacher):
            if origin is not None:
                named.setdefault(origin, LineageNode(name=origin))
    return named


def _places(named: Mapping[str, LineageNode]) -> dict[str, tuple[float, float]]:
    """Return the column and row of each node: a parent is in the middle of what it became."""
    tree = _Tree(named)
    roots = [name for name, node in named.items() if node.parent is None]
    # Those of a lineage that bites its own tail have no root.
    for name in (*roots, *named):
        if name not in tree.places:
            tree.place(name, 0.0)
    return tree.places


class _Tree:
    """Gives nodes their places, from the leaves up."""

    def __init__(self, named: Mapping[str, LineageNode]) -> None:
        self.places: dict[str, tuple[float, float]] = {}
        self._rows = 0.0
        self._met: set[str] = set()
        self._children: dict[str, list[str]] = {name: [] for name in named}
        for node in named.values():
            if node.parent is not None:
                self._children[node.parent].append(node.name)

    def place(self, name: str, column: float) -> float:
        """Place a node and what was made from it; return its row."""
        self._met.add(name)
        below = [
            self.place(child, column + 1)
            for child in self._children[name]
            if child not in self._met
        ]
        row = sum(below) / len(below) if below else self._next_row()
        self.places[name] = (column, row)
        return row

    def _next_row(self) -> float:
        self._rows += 1
        return self._rows - 1
