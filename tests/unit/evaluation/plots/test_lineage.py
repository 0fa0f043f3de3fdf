"""The figure of lineages: a box for each network, a line for each origin."""

from __future__ import annotations

from vcc.evaluation.plots.lineage import LineageNode, lineage_figure


def places(*nodes: LineageNode) -> dict[str, tuple[float, float]]:
    (axes,) = lineage_figure(nodes).axes
    boxes = [text for text in axes.texts if text.get_bbox_patch() is not None]
    return {text.get_text().splitlines()[0]: text.xy for text in boxes}  # type: ignore[attr-defined]


def arrows(*nodes: LineageNode) -> int:
    (axes,) = lineage_figure(nodes).axes
    return sum(getattr(text, "arrow_patch", None) is not None for text in axes.texts)


DENSE = LineageNode(name="net/1", text="90.0% · baseline")
THIN = LineageNode(name="net/2", parent="net/1", stages="masked, thinned", marked=True)
INT8 = LineageNode(name="net/3", parent="net/2", stages="quantized", teacher="net/1")
OTHER = LineageNode(name="net/4", parent="net/1", teacher="net/1")


def test_what_was_made_stands_right_of_what_it_was_made_from() -> None:
    found = places(INT8, THIN, DENSE, OTHER)
    assert [found[name][0] for name in ("net/1", "net/2", "net/3", "net/4")] == [0, 1, 2, 1]
    # The parent is in the middle of its two.
    assert found["net/1"][1] == (found["net/2"][1] + found["net/4"][1]) / 2
    assert len(set(found.values())) == 4


def test_a_teacher_that_is_the_parent_has_no_line_of_its_own() -> None:
    assert arrows(DENSE, THIN, INT8) == 3
    assert arrows(DENSE, OTHER) == 1


def test_origins_that_are_not_shown_have_a_box() -> None:
    assert places(THIN)["net/1"] == (0, 0)
    assert set(places(INT8)) == {"net/1", "net/2", "net/3"}


def test_a_lineage_that_bites_its_tail_is_drawn() -> None:
    one = LineageNode(name="a", parent="b")
    two = LineageNode(name="b", parent="a")
    assert set(places(one, two)) == {"a", "b"}
