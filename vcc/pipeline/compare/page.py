"""The page itself: versions, cost, lineage, gate, and what changed between two of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from vcc.evaluation.plots.cost import pareto_figure
from vcc.evaluation.plots.lineage import LineageNode, lineage_figure
from vcc.evaluation.plots.style import save_figure
from vcc.pipeline.compare.changes import Change, change_sections
from vcc.pipeline.compare.tables import (
    cost_points,
    front_of,
    gate_rows,
    latency_rows,
    version_rows,
)
from vcc.pipeline.compare.versions import ComparedVersion, short_name
from vcc.pipeline.full.report import PageSection, embedded, render

_COST = (
    "Accuracy, latency and size of the exported files; a line leads through those that no other "
    "on the same runtime beats in both. Times of different runs were taken at different moments."
)
_LATENCY = (
    "Median milliseconds of one run at the smallest batch, by the run that exported the version. "
    "The ratio is to the dense file in float32 on that runtime in the same run; times of different "
    "runs were taken at different moments."
)
_LINEAGE = (
    "Each network right of what it was made from, with what was done; dashes lead from a teacher, "
    "the champion is drawn stronger."
)


def compare_page(
    compared: Sequence[ComparedVersion],
    *,
    title: str,
    change: Change | None,
    facts: dict[str, str],
) -> str:
    """Return the page as HTML, with everything in it.

    Args:
        compared: every version, by name.
        title: what they are of.
        change: the two that are looked at closely; None for none.
        facts: what the page was made from.
    """
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        sections = [
            *_cost(compared, folder),
            *_latency(compared),
            *_lineage(compared, folder),
            _gate(compared),
            *(change_sections(change, folder) if change else []),
        ]
    return render(
        title=title,
        summary=summary_of(compared),
        rows=version_rows(compared),
        sections=sections,
        facts=facts,
    )


def summary_of(compared: Sequence[ComparedVersion]) -> str:
    """Return what there is, in a paragraph."""
    dense = sum(each.is_dense for each in compared)
    evaluated = sum(each.accuracy is not None for each in compared)
    exported = sum(each.graph is not None for each in compared)
    champions = [each.name for each in compared if each.is_champion]
    front = [each.name for each in compared if each.name in front_of(compared)]
    parts = [
        f"{len(compared)} versions: {dense} dense, {len(compared) - dense} compressed; "
        f"{evaluated} were evaluated, {exported} exported.",
        f"Champion: {', '.join(champions)}." if champions else "There is no champion.",
    ]
    if front:
        parts.append(
            f"Beaten by no other in both accuracy and latency on its runtime: {', '.join(front)}."
        )
    parts.append("All figures are those of earlier runs; nothing was measured for this page.")
    return " ".join(parts)


def _cost(compared: Sequence[ComparedVersion], folder: Path) -> Iterator[PageSection]:
    digests = dict.fromkeys(each.version.tags.get("data_digest", "") for each in compared)
    groups = {
        digest: [each for each in compared if each.version.tags.get("data_digest", "") == digest]
        for digest in digests
    }
    shown = {digest: own for digest, own in groups.items() if cost_points(own)}
    for number, (digest, own) in enumerate(shown.items()):
        path = save_figure(pareto_figure(cost_points(own)), folder / f"pareto_{number}.png")
        data = own[0].version.tags.get("dataset", "unknown data")
        which = f" on {data} ({digest[:8]})" if len(shown) > 1 else ""
        yield PageSection(title=f"Accuracy and cost{which}", pictures=[embedded(path, _COST)])


def _latency(compared: Sequence[ComparedVersion]) -> Iterator[PageSection]:
    rows = latency_rows(compared)
    if len(rows) > 1:
        yield PageSection(title="Latency on each runtime", text=_LATENCY, rows=rows)


def _lineage(compared: Sequence[ComparedVersion], folder: Path) -> Iterator[PageSection]:
    figure = lineage_figure([_node(each) for each in compared])
    path = save_figure(figure, folder / "lineage.png")
    yield PageSection(title="Lineage", pictures=[embedded(path, _LINEAGE)])


def _node(each: ComparedVersion) -> LineageNode:
    parent, teacher = (each.version.tags.get(key) for key in ("parent", "teacher"))
    accuracy = f"{each.accuracy.mean:.1%}" if each.accuracy else "not evaluated"
    words = [accuracy, *([", ".join(each.aliases)] if each.aliases else [])]
    return LineageNode(
        name=each.name,
        text=" · ".join(words),
        parent=short_name(parent) if parent else None,
        stages=each.stages,
        teacher=short_name(teacher) if teacher else None,
        marked=each.is_champion,
    )


def _gate(compared: Sequence[ComparedVersion]) -> PageSection:
    rows = gate_rows(compared)
    if len(rows) == 1:
        text = "No version was held to a gate: `promote` does that."
        return PageSection(title="Verdicts of the gate", text=text)
    return PageSection(title="Verdicts of the gate", rows=rows)
