"""Accuracy class by class: the confusion matrix and each class's share of right videos."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torchmetrics.functional.classification import multiclass_confusion_matrix

from vcc.evaluation.accuracy import VideoScores
from vcc.evaluation.predictions import Prediction
from vcc.spreadsheet import CsvWriter


@dataclass(frozen=True, kw_only=True)
class ClassAccuracy:
    """One class's videos: how many there are, the share that was right, what the rest went to."""

    label: str
    videos: int
    accuracy: float
    confused_with: str


def confusion_matrix(scores: VideoScores) -> Tensor:
    """Return counts int64 [C, C]: rows are labels, columns are predictions."""
    return multiclass_confusion_matrix(
        scores.scores.argmax(dim=1), scores.labels, num_classes=scores.scores.shape[1]
    )


def class_rows(confusion: Tensor, labels: Sequence[str]) -> list[ClassAccuracy]:
    """Return one row per class; the accuracy of a class without videos is not a number."""
    rows = []
    for index, label in enumerate(labels):
        counts = confusion[index]
        videos = int(counts.sum())
        wrong = counts.clone()
        wrong[index] = 0
        worst = int(wrong.argmax())
        rows.append(
            ClassAccuracy(
                label=label,
                videos=videos,
                accuracy=int(counts[index]) / videos if videos else float("nan"),
                confused_with=labels[worst] if int(wrong[worst]) else "",
            )
        )
    return rows


def classes_of(predictions: Sequence[Prediction]) -> list[ClassAccuracy]:
    """Return the rows of the classes that videos have, by name, from a table of predictions."""
    rows = []
    for label in sorted({each.label for each in predictions}):
        own = [each for each in predictions if each.label == label]
        wrong = Counter(each.predicted for each in own if not each.right)
        rows.append(
            ClassAccuracy(
                label=label,
                videos=len(own),
                accuracy=sum(each.right for each in own) / len(own),
                confused_with=wrong.most_common(1)[0][0] if wrong else "",
            )
        )
    return rows


def class_csv(rows: Sequence[ClassAccuracy]) -> str:
    """Return the rows as CSV text with a header line."""
    text = io.StringIO()
    writer = CsvWriter(text)
    writer.writerow(["label", "videos", "accuracy", "most often taken for"])
    writer.writerows([r.label, r.videos, f"{r.accuracy:.4f}", r.confused_with] for r in rows)
    return text.getvalue()


def confusion_csv(confusion: Tensor, labels: Sequence[str]) -> str:
    """Return the counts as CSV text: a row per label, a column per prediction."""
    text = io.StringIO()
    writer = CsvWriter(text)
    writer.writerow(["label", *labels])
    writer.writerows([label, *row] for label, row in zip(labels, confusion.tolist(), strict=True))
    return text.getvalue()
