"""Scores over time of the videos that `predict` classified: CSV, JSON, and a picture of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vcc.evaluation.plots.style import save_figure
from vcc.evaluation.plots.timeline import timeline_figure
from vcc.files import replacing
from vcc.spreadsheet import CsvWriter
from vcc.tracking.video_classifier import Timeline


def timeline_files(output: Path) -> tuple[Path, Path, Path]:
    """Return where scores over time go beside a table: CSV, JSON, folder of pictures."""
    stem = output.with_suffix("")
    return (
        stem.with_name(f"{stem.name}.timeline.csv"),
        stem.with_name(f"{stem.name}.timeline.json"),
        stem.with_name(f"{stem.name}.timeline"),
    )


def write_timelines(found: Mapping[str, Timeline], output: Path, *, top_k: int) -> list[Path]:
    """Write the scores over time of videos beside their table; return what was written.

    Args:
        found: name of a video -> its scores.
        output: the table.
        top_k: labels of each clip.
    """
    table, record, pictures = timeline_files(output)
    with replacing(table) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = CsvWriter(file)
        writer.writerow(_header(found, top_k))
        for name, timeline in found.items():
            writer.writerows(_rows(name, timeline, top_k))
    with replacing(record) as partial:
        content = {name: list(_clips(timeline, top_k)) for name, timeline in found.items()}
        partial.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    for name, timeline in found.items():
        figure = timeline_figure(timeline.bounds, timeline.labels, timeline.scores, title=name)
        save_figure(figure, pictures / f"{name}.png")
    return [table, record, pictures]


def _header(found: Mapping[str, Timeline], top_k: int) -> list[str]:
    labels = max((len(timeline.labels) for timeline in found.values()), default=0)
    header = ["video", "begin_s", "end_s"]
    for rank in range(1, min(top_k, labels) + 1):
        header += [f"label_{rank}", f"score_{rank}"]
    return header


def _rows(name: str, timeline: Timeline, top_k: int) -> Iterator[list[str]]:
    for index in range(len(timeline.scores)):
        best = timeline.best(index, top_k)
        begin, end = timeline.bounds[index : index + 2]
        cells = [cell for label, score in best for cell in (label, f"{score:.6f}")]
        yield [name, f"{begin:.3f}", f"{end:.3f}", *cells]


def _clips(timeline: Timeline, top_k: int) -> Iterator[dict[str, Any]]:
    for index in range(len(timeline.scores)):
        begin, end = timeline.bounds[index : index + 2]
        best = timeline.best(index, top_k)
        scores = [{"label": label, "score": score} for label, score in best]
        yield {"begin_s": round(begin, 3), "end_s": round(end, 3), "scores": scores}
