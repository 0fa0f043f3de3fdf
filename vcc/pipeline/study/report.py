"""The report of a study: Markdown table, HTML page and the picture of the Pareto front."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from pathlib import Path

from vcc.evaluation.comparison import as_markdown
from vcc.evaluation.plots.cost import CostPoint
from vcc.evaluation.plots.study import study_figure
from vcc.evaluation.plots.style import save_figure
from vcc.evaluation.study.results import CellResult
from vcc.evaluation.study.summary import StudyRow, summarise
from vcc.files import write_whole
from vcc.pipeline.full.report import PageSection, embedded, render

_HEADER = [
    "model and method", "parameters", "MACs", "file", "video top-1", "loss against dense, points",
    "fastest on", "median", "vs eager", "vs dense ORT", "vs dense's fastest",
]  # fmt: skip
_PARETO = (
    "Accuracy of the exported files (mean over repeats) against latency on the fastest runtime; "
    "a colour per network, a marker per method; the area is the size of the file."
)


def write_report(
    results: Sequence[CellResult],
    *,
    name: str,
    folder: Path,
    pooled: bool,
    notes: Sequence[str] = (),
) -> Path:
    """Write `NAME.md`, `NAME.html` and `NAME.png` of the cells that are there.

    Args:
        results: cells, in the matrix's order.
        name: of the study.
        folder: where the files go; it exists.
        pooled: whether repeats hold different videos (splits or folds).
        notes: sentences below the table, such as baselines and cells that are missing.

    Returns:
        The HTML page.
    """
    rows = summarise(results, pooled=pooled)
    table = table_of(rows)
    facts = facts_of(results)
    lines = [*how_to_read(results, pooled=pooled), *notes]
    timed = [row for row in rows if not math.isnan(row.best_ms)]
    figure = study_figure([(row.model, row.method, _point(row)) for row in timed])
    picture = save_figure(figure, folder / f"{name}.png")
    commands = [["cell", "command", "run"], *([r.key, r.command, r.run_id] for r in results)]
    markdown = [
        f"# Study {name}",
        as_markdown(table),
        "\n\n".join(lines),
        f"![accuracy against latency]({picture.name})",
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
        sections=[PageSection(title="Accuracy and latency", pictures=[embedded(picture, _PARETO)])],
        facts={**facts, **{row[0]: f"{row[1]} (run {row[2]})" for row in commands[1:]}},
    )
    path = folder / f"{name}.html"
    write_whole(path, page)
    return path


def table_of(rows: Sequence[StudyRow]) -> list[list[str]]:
    """Return header and rows of text."""
    return [_HEADER, *(_cells(row) for row in rows)]


def how_to_read(results: Sequence[CellResult], *, pooled: bool) -> list[str]:
    """Return what the table's figures are, in sentences."""
    timed = {result.timed_clip for result in results}
    clips = "x".join(map(str, max(timed)))
    if len(timed) > 1:
        clips += " (as many times smaller as a method makes the network's own clips)"
    repeats = _repeats_of(results[0])
    pairs = f"pooled over the {repeats}" if pooled else f"each the mean over {repeats}"
    return [
        f"Video top-1 of the exported file: mean and standard deviation over {repeats} (their "
        f"number in brackets). Loss: paired, the same videos through the dense file, {pairs}, with "
        "the 95 % interval of drawing the videos again.",
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


def _cells(row: StudyRow) -> list[str]:
    # One repeat says nothing of the luck of training.
    spread = f" ± {100 * row.spread:.2f}" if row.repeats > 1 else ""
    loss = ""
    if row.drop is not None:
        mean, low, high = (100 * value for value in (row.drop.mean, row.drop.low, row.drop.high))
        loss = f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"
    return [
        f"{row.model} {row.method}",
        f"{row.params / 1e6:.2f} M",
        f"{row.macs / 1e9:.3f} G",
        f"{row.size_bytes / 1e6:.2f} MB",
        f"{100 * row.video_top1:.2f}{spread} % ({row.repeats})",
        loss,
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
