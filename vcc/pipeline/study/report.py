"""The report of a study: Markdown table, HTML page, and the pictures of front and losses."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from vcc.evaluation.comparison import as_markdown
from vcc.evaluation.plots.cost import CostPoint
from vcc.evaluation.plots.losses import LossSpan, loss_figure
from vcc.evaluation.plots.study import study_figure
from vcc.evaluation.plots.style import save_figure
from vcc.evaluation.study.losses import Loss, points
from vcc.evaluation.study.results import CellResult
from vcc.evaluation.study.robustness import robustness_rows
from vcc.evaluation.study.summary import StudyRow, summarise
from vcc.files import write_whole
from vcc.pipeline.full.report import PageSection, embedded, render
from vcc.pipeline.study.conditions import conditions_of

_SIZES = [
    "model and method", "parameters", "MACs", "file", "video top-1", "loss against dense, points",
]  # fmt: skip
_TIMES = ["fastest on", "median", "vs eager", "vs dense ORT", "vs dense's fastest"]
_PARETO = (
    "Accuracy of the exported files (mean over repeats) against latency on the fastest runtime; "
    "a colour per network, a marker per method; the area is the size of the file."
)
_LOSSES = (
    "Paired losses of video accuracy with their 95 % intervals; left of 0 the row's network is "
    "better than what it is compared with."
)
_CHANGED = "Changed test videos"
_HOW_CHANGED = (
    "The same test videos, changed; every loss is paired, with its 95 % interval. More than as "
    "recorded: how much more the network loses against the dense one there than on the videos as "
    "they are."
)


def write_report(
    results: Sequence[CellResult],
    *,
    name: str,
    folder: Path,
    pooled: bool,
    notes: Sequence[str] = (),
    reference: str | None = None,
) -> Path:
    """Write `NAME.md`, `NAME.html`, `NAME.png` and `NAME.losses.png` of the cells that are there.

    Args:
        results: cells, in the matrix's order.
        name: of the study.
        folder: where the files go; it exists.
        pooled: whether repeats hold different videos (splits or folds).
        notes: sentences below the table, such as baselines and cells that are missing.
        reference: method whose networks the others are compared with, beside the dense ones.

    Returns:
        The HTML page.
    """
    rows = summarise(results, pooled=pooled, reference=reference)
    table = table_of(rows, reference)
    facts = facts_of(results)
    lines = [*how_to_read(results, pooled=pooled, reference=reference), *notes]
    timed = [row for row in rows if not math.isnan(row.best_ms)]
    figure = study_figure([(row.model, row.method, _point(row)) for row in timed])
    picture = save_figure(figure, folder / f"{name}.png")
    losses = save_figure(_losses_of(rows, reference), folder / f"{name}.losses.png")
    changed = _changed_rows(results, pooled=pooled)
    commands = [["cell", "command", "run"], *([r.key, r.command, r.run_id] for r in results)]
    markdown = [
        f"# Study {name}",
        as_markdown(table),
        "\n\n".join(lines),
        f"![accuracy against latency]({picture.name})",
        f"![losses with their intervals]({losses.name})",
        *_changed_markdown(changed),
        "\n".join(f"- {key}: {value}" for key, value in facts.items()),
        "## Each cell",
        as_markdown([[cell, f"`{command}`" if n else command, run]
                     for n, (cell, command, run) in enumerate(commands)]),
    ]  # fmt: skip
    write_whole(folder / f"{name}.md", "\n\n".join(markdown) + "\n")
    page = render(
        title=f"Study {name}",
        summary=" ".join(lines),
        rows=table,
        sections=[
            PageSection(title="Accuracy and latency", pictures=[embedded(picture, _PARETO)]),
            PageSection(title="Losses", pictures=[embedded(losses, _LOSSES)]),
            *([PageSection(title=_CHANGED, text=_HOW_CHANGED, rows=changed)] if changed else []),
        ],
        facts={**facts, **{row[0]: f"{row[1]} (run {row[2]})" for row in commands[1:]}},
    )
    path = folder / f"{name}.html"
    write_whole(path, page)
    return path


def _changed_rows(results: Sequence[CellResult], *, pooled: bool) -> list[list[str]]:
    """Return header and rows of the changed videos; nothing where no cell was scored on any."""
    conditions = conditions_of(results)
    return robustness_rows(conditions, pooled=pooled) if conditions else []


def _changed_markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"## {_CHANGED}", as_markdown(rows), _HOW_CHANGED] if rows else []


def table_of(rows: Sequence[StudyRow], reference: str | None = None) -> list[list[str]]:
    """Return header and rows of text; with a reference method, two columns more."""
    if reference is None:
        header = [*_SIZES, *_TIMES]
        return [header, *([*_sizes(row), *_times(row)] for row in rows)]
    header = [*_SIZES, f"loss against {reference}, points", "McNemar p", *_TIMES]
    return [header, *([*_sizes(row), *_compared(row), *_times(row)] for row in rows)]


def how_to_read(
    results: Sequence[CellResult], *, pooled: bool, reference: str | None = None
) -> list[str]:
    """Return what the table's figures are, in sentences."""
    timed = {result.timed_clip for result in results}
    clips = "x".join(map(str, max(timed)))
    if len(timed) > 1:
        clips += " (as many times smaller as a method makes the network's own clips)"
    repeats = _repeats_of(results[0])
    pairs = f"pooled over the {repeats}" if pooled else f"each the mean over {repeats}"
    drawn = "groups of videos" if all(result.groups for result in results) else "videos"
    compared = [] if reference is None else [_reference_note(reference)]
    return [
        f"Video top-1 of the exported file: mean and standard deviation over {repeats} (their "
        f"number in brackets). Loss: paired, the same videos through the dense file, {pairs}, with "
        f"the 95 % interval of drawing the {drawn} again.",
        *compared,
        f"Times: batch 1, clips of {clips}, medians; ratios are within one run, "
        "against the dense network in PyTorch (eager), in ONNX Runtime in float32, and on its own "
        "fastest runtime. The last counts bfloat16, the rows themselves do not: accuracy was "
        "measured in float32 and int8.",
    ]


def _repeats_of(result: CellResult) -> str:
    """Return what is repeated, as the first word of a repeat's name says it."""
    word = result.repeat.rstrip(string.digits)
    return {"s": "seeds", "f": "folds"}.get(word, f"{word}s")


def facts_of(results: Sequence[CellResult]) -> dict[str, str]:
    """Return where and when the cells were computed; every value that occurred."""
    kept = ("cpu", "cores", "cpu_features", "git_commit", "version.torch")
    facts = {
        key: "; ".join(sorted({result.machine.get(key, "unknown") for result in results}))
        for key in kept
    }
    days = sorted({result.created[:10] for result in results})
    return {"computed": days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}", **facts}


def _reference_note(reference: str) -> str:
    return (
        f"Loss against {reference}: the same, against that method's network of the same repeat, "
        "with the exact McNemar test, which takes videos of one group for independent and so says "
        "rather too small a p."
    )


def _losses_of(rows: Sequence[StudyRow], reference: str | None) -> Figure:
    shown = [row for row in rows if row.drop or row.against]
    losses = {"dense": [_span(row.drop) for row in shown]}
    if reference is not None:
        losses[reference] = [_span(row.against) for row in shown]
    return loss_figure([f"{row.model} {row.method}" for row in shown], losses)


def _span(loss: Loss | None) -> LossSpan:
    if loss is None:
        return None
    return loss.interval.mean, loss.interval.low, loss.interval.high


def _sizes(row: StudyRow) -> list[str]:
    # One repeat says nothing of the luck of training.
    spread = f" ± {100 * row.spread:.2f}" if row.repeats > 1 else ""
    return [
        f"{row.model} {row.method}",
        f"{row.params / 1e6:.2f} M",
        f"{row.macs / 1e9:.3f} G",
        f"{row.size_bytes / 1e6:.2f} MB",
        f"{100 * row.video_top1:.2f}{spread} % ({row.repeats})",
        "" if row.drop is None else points(row.drop.interval),
    ]


def _compared(row: StudyRow) -> list[str]:
    if row.against is None:
        return ["", ""]
    fewer = f", {row.against.repeats} repeats" if row.against.repeats < row.repeats else ""
    p_values = ", ".join(f"{value:.2g}" for value in row.against.p_values)
    return [f"{points(row.against.interval)}{fewer}", p_values]


def _times(row: StudyRow) -> list[str]:
    return [
        row.runtime,
        "not run" if math.isnan(row.best_ms) else f"{row.best_ms:.2f} ms",
        *(_ratio(value) for value in (row.vs_eager, row.vs_ort, row.vs_dense)),
    ]


def _ratio(value: float) -> str:
    return "not run" if math.isnan(value) else f"{value:.2f}x"


def _point(row: StudyRow) -> CostPoint:
    return CostPoint(
        name=f"{row.model} {row.method}",
        video_top1=row.video_top1,
        latency_ms=row.best_ms,
        size_bytes=row.size_bytes,
        runtime=row.runtime,
    )
