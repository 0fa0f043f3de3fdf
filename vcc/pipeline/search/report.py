"""What a search found: tables, picture and schedules, and how right its predictions were."""

from __future__ import annotations

import io
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vcc.evaluation.comparison import as_markdown, as_text
from vcc.evaluation.plots.search import search_figure
from vcc.evaluation.plots.style import save_figure
from vcc.export.benchmark import speed_up
from vcc.pipeline.export.turns import DENSE, EAGER, Timed
from vcc.pipeline.search.finalists import Finalist
from vcc.pipeline.search.space import FLOAT, SearchCandidate
from vcc.pipeline.search.study import Outcome, front
from vcc.pipeline.search.target import Target
from vcc.spreadsheet import CsvWriter

_AXES = {
    "latency_ms": "latency of a clip, median, ms",
    "macs": "share of the dense network's multiply-accumulates",
    "size_mb": "size of the exported file, MB",
}
_EMPTY = "-"


@dataclass(frozen=True, kw_only=True)
class SearchFindings:
    """All that a search found.

    Attributes:
        target: of the search.
        outcomes: of its trials.
        dense_top1: dev video top-1 of the dense network.
        dev_videos: how many that and the trials' are measured on.
        dense_figure: what it is by the target's figure.
        finalists: that were compressed in full.
        times: of the files of `DENSE` and the finalists, and of `EAGER`; empty without finalists.
    """

    target: Target
    outcomes: Sequence[Outcome]
    dense_top1: float
    dev_videos: int
    dense_figure: float
    finalists: Sequence[Finalist] = ()
    times: Mapping[str, Timed] = field(default_factory=dict)

    @property
    def front(self) -> list[Outcome]:
        """The trials that no other beats in both."""
        return front(self.outcomes, self.target)


def outcomes_csv(outcomes: Sequence[Outcome]) -> str:
    """Return trials as CSV, a row each: what was tried, its prices and its accuracy."""
    out = io.StringIO()
    writer = CsvWriter(out)
    # Some parameters are of some candidates only.
    names = list(dict.fromkeys(name for each in outcomes for name in each.candidate.params()))
    writer.writerow(["trial", "end", *names, *_FIGURES])
    for outcome in outcomes:
        params = outcome.candidate.params()
        figures = ["" if value is None else value for value in _figures(outcome)]
        values = [params.get(name, "") for name in names]
        writer.writerow([outcome.number, outcome.end, *values, *figures])
    return out.getvalue()


def front_markdown(found: SearchFindings) -> str:
    """Return the front as a Markdown table."""
    header = ["trial", "filters", "kernels and clips", "precision", "predicted ms", "measured ms",
              "MACs", "MB", "dev top-1 %", "meets the target"]  # fmt: skip
    return as_markdown([header, *(_row(each, found.target) for each in found.front)])


def finalists_rows(found: SearchFindings) -> list[list[str]]:
    """Return a table of the dense network and the finalists, timed in turns."""
    header = ["network", "dev top-1 %", "p50 ms", "MB", f"vs {EAGER}", f"vs {DENSE} there"]
    rows = []
    accuracies = {
        EAGER: found.dense_top1,
        DENSE: found.dense_top1,
        **{each.name: each.top1 for each in found.finalists},
    }
    for name, timed in found.times.items():
        ratios = [
            speed_up(found.times[other].latency, timed.latency).as_text() if name != other else ""
            for other in (EAGER, DENSE)
        ]
        size = _EMPTY if name == EAGER else f"{timed.size_mb:.2f}"
        top1 = f"{100 * accuracies[name]:.1f}"
        rows.append([name, top1, f"{timed.latency.p50_ms:.2f}", size, *ratios])
    return [header, *rows]


def finalists_text(found: SearchFindings) -> str:
    """Return the table of the finalists as aligned text."""
    return as_text(finalists_rows(found))


def prediction_error(found: SearchFindings) -> tuple[float, float, int]:
    """Return median and largest relative error of predicted latencies, and of how many.

    Every network that was timed counts: those of trials, and the finalists' files.
    """
    pairs = [
        (each.price.latency_ms, each.measured.latency_ms)
        for each in found.outcomes
        if each.measured is not None
    ]
    pairs += [
        (each.outcome.price.latency_ms, found.times[each.name].latency.p50_ms)
        for each in found.finalists
        if each.name in found.times
    ]
    errors = [abs(predicted / measured - 1) for predicted, measured in pairs]
    if not errors:
        return 0.0, 0.0, 0
    return statistics.median(errors), max(errors), len(errors)


def error_line(found: SearchFindings) -> str:
    """Return the error of the latency model as a sentence."""
    middle, largest, count = prediction_error(found)
    if not count:
        return "no candidate was timed: the predicted latencies were not checked"
    return (
        f"predicted latencies of the {count} networks that were timed are off by {middle:.0%} "
        f"(median), {largest:.0%} at most"
    )


def draw(found: SearchFindings, path: Path, *, title: str) -> Path:
    """Write the picture of accuracy against the target's figure and return its path."""
    target = found.target

    def place(outcome: Outcome) -> tuple[float, float]:
        return target.of(outcome.best_price()), outcome.top1 or 0.0

    judged = [place(each) for each in found.outcomes if each.top1 is not None]
    points = {"trials": judged, "dense": [(found.dense_figure, found.dense_top1)]}
    if found.finalists:
        points["finalists, in full"] = [
            (_figure_of(each, found), each.top1) for each in found.finalists
        ]
    figure = search_figure(
        points,
        [place(each) for each in found.front],
        limit=target.limit,
        axis=_AXES[target.figure],
        title=title,
    )
    return save_figure(figure, path)


def _figure_of(finalist: Finalist, found: SearchFindings) -> float:
    timed = found.times.get(finalist.name)
    if found.target.figure == "macs" or timed is None:
        return found.target.of(finalist.outcome.best_price())
    return timed.latency.p50_ms if found.target.is_latency else timed.size_mb


_FIGURES = ("predicted_ms", "measured_ms", "macs_share", "predicted_mb", "measured_mb",
            "settled_top1", "dev_video_top1")  # fmt: skip


def _figures(outcome: Outcome) -> list[float | None]:
    measured = outcome.measured
    return [
        outcome.price.latency_ms,
        None if measured is None else measured.latency_ms,
        outcome.price.macs,
        outcome.price.size_mb,
        None if measured is None else measured.size_mb,
        outcome.settled_top1,
        outcome.top1,
    ]


def _kernels_and_clips(candidate: SearchCandidate) -> Iterator[str]:
    for name, share in candidate.ranks.items():
        if share < 1:
            yield f"{name} of rank {share:g}"
    if candidate.taps:
        yield f"stem over {candidate.taps} frames"
    if candidate.clip:
        yield candidate.clip


def _precision(candidate: SearchCandidate) -> Iterator[str]:
    yield str(candidate.params()["precision"])
    for stage, int8 in candidate.stages.items():
        if not int8:
            yield f"{stage} {FLOAT}"


def _row(outcome: Outcome, target: Target) -> list[str]:
    candidate, price = outcome.candidate, outcome.price
    taken = ", ".join(f"{name} {share:.0%}" for name, share in candidate.filters.items() if share)
    measured = outcome.measured
    return [
        str(outcome.number),
        taken or _EMPTY,
        ", ".join(_kernels_and_clips(candidate)) or _EMPTY,
        ", ".join(_precision(candidate)),
        f"{price.latency_ms:.2f}",
        _EMPTY if measured is None else f"{measured.latency_ms:.2f}",
        f"{price.macs:.3f}",
        f"{outcome.best_price().size_mb:.2f}",
        f"{100 * (outcome.top1 or 0):.1f}",
        "yes" if target.violation(outcome.best_price()) <= 0 else "no",
    ]
