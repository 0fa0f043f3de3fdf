"""What a person looks at after an evaluation: tables, pictures, and the comparison with the dense
network on the same videos."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from vcc.data.clips.resizing import resize
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.accuracy import VideoScores
from vcc.evaluation.calibration import reliability
from vcc.evaluation.paired import Flip, Paired, compare_paired
from vcc.evaluation.per_class import class_csv, class_rows, confusion_csv, confusion_matrix
from vcc.evaluation.plots.accuracy import (
    class_change_figure,
    confusion_figure,
    per_class_figure,
    reliability_figure,
)
from vcc.evaluation.plots.style import save_figure
from vcc.evaluation.predictions import prediction_rows, predictions_csv
from vcc.tracking.runs import Run

_STRIPS = 12
_STRIP_FRAMES = 8
_TILE = (72, 96)


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A network's name, such as "dense", and its scores of the test videos."""

    name: str
    scores: VideoScores


def log_accuracy(now: Scored, dataset: PreparedDataset, run: Run, *, before: Scored | None) -> None:
    """Log tables and pictures of an evaluation, and the comparison with `before` where given.

    Args:
        now: what was evaluated.
        dataset: its test videos.
        run: takes the artifacts.
        before: the dense network on the same videos.
    """
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        _write_tables(now, dataset, folder)
        if before is not None:
            write_comparison(before, now, dataset, folder)
        else:
            curves = {now.name: reliability(now.scores)}
            save_figure(reliability_figure(curves), folder / "reliability.png")
        run.log_file(folder, "evaluation")


def paired_with(before: Scored, now: Scored, dataset: PreparedDataset) -> Paired:
    """Return the paired comparison of two networks on the test videos."""
    videos = [record.id for record in dataset.videos("test")]
    first, second = (
        prediction_rows(scored.scores, videos=videos, labels=dataset.labels)
        for scored in (before, now)
    )
    return compare_paired(first, second)


def _write_tables(now: Scored, dataset: PreparedDataset, folder: Path) -> None:
    videos = [record.id for record in dataset.videos("test")]
    rows = prediction_rows(now.scores, videos=videos, labels=dataset.labels)
    confusion = confusion_matrix(now.scores)
    classes = class_rows(confusion, dataset.labels)
    title = f"{now.name}, {len(rows)} test videos of {dataset.name}"
    (folder / "predictions.csv").write_text(predictions_csv(rows))
    (folder / "per_class.csv").write_text(class_csv(classes))
    (folder / "confusion.csv").write_text(confusion_csv(confusion, dataset.labels))
    save_figure(confusion_figure(confusion, dataset.labels, title=title), folder / "confusion.png")
    save_figure(per_class_figure(classes, title=title), folder / "per_class.png")


def write_comparison(before: Scored, now: Scored, dataset: PreparedDataset, folder: Path) -> None:
    """Write what changed from one network to the other, and the second one's confusion matrix."""
    curves = {scored.name: reliability(scored.scores) for scored in (before, now)}
    save_figure(reliability_figure(curves), folder / "reliability.png")
    confusion = confusion_matrix(now.scores)
    title = f"{now.name}, {len(now.scores.labels)} test videos of {dataset.name}"
    save_figure(confusion_figure(confusion, dataset.labels, title=title), folder / "confusion.png")
    paired = paired_with(before, now, dataset)
    (folder / "paired.json").write_text(
        json.dumps({"sentence": paired.sentence(), **paired.metrics()}, indent=2)
    )
    old, new = (
        class_rows(confusion_matrix(scored.scores), dataset.labels) for scored in (before, now)
    )
    figure = class_change_figure(old, new, names=(before.name, now.name))
    save_figure(figure, folder / "per_class_change.png")
    for number, flip in enumerate(paired.flips[:_STRIPS]):
        kind = "lost" if flip.lost else "gained"
        write_strip(flip, dataset, folder / "flips" / f"{number:02d}_{kind}.png")


def write_strip(flip: Flip, dataset: PreparedDataset, path: Path) -> Path:
    """Write frames spread over a video whose answer changed, with both answers below."""
    (record,) = (r for r in dataset.videos("test") if r.id == flip.before.video)
    indices = np.linspace(0, record.n_frames - 1, _STRIP_FRAMES).round().astype(np.int64)
    tiles = [resize(frame, *_TILE) for frame in dataset.frame_list(record, indices)]
    strip = np.concatenate(tiles, axis=1)
    caption = np.full((42, strip.shape[1], 3), 255, np.uint8)
    lines = (
        f"{flip.before.video}: {flip.before.label}",
        f"dense {flip.before.predicted} {flip.before.score:.2f}, "
        f"compressed {flip.after.predicted} {flip.after.score:.2f}",
    )
    for row, line in enumerate(lines):
        place = (4, 16 + 19 * row)
        cv2.putText(caption, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.concatenate([strip, caption])[:, :, ::-1])
    return path
