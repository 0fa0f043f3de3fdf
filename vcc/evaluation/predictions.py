"""The table of predictions, one row per video: what flips are found in later."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from vcc.errors import DataError
from vcc.evaluation.accuracy import VideoScores
from vcc.spreadsheet import CsvWriter, plain_row


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What a network says of one video.

    Attributes:
        video: its id.
        label: what it shows.
        predicted: the class with the highest score.
        right: whether the two are the same.
        score: the predicted class's score, 0..1.
        label_score: the label's score, 0..1.
    """

    video: str
    label: str
    predicted: str
    right: bool
    score: float
    label_score: float


def prediction_rows(
    scores: VideoScores, *, videos: Sequence[str], labels: Sequence[str]
) -> list[Prediction]:
    """Return one row per video, in the order of the scores.

    Args:
        scores: of V videos.
        videos: V ids.
        labels: C class names.
    """
    best, predicted = scores.scores.max(dim=1)
    of_label = scores.scores.gather(1, scores.labels[:, None])[:, 0]
    return [
        Prediction(
            video=video,
            label=labels[int(label)],
            predicted=labels[int(index)],
            right=bool(label == index),
            score=float(score),
            label_score=float(label_score),
        )
        for video, label, index, score, label_score in zip(
            videos, scores.labels, predicted, best, of_label, strict=True
        )
    ]


def predictions_csv(rows: Sequence[Prediction]) -> str:
    """Return the rows as CSV text with a header line; scores with six digits."""
    text = io.StringIO()
    names = [field.name for field in fields(Prediction)]
    writer = CsvWriter(text)
    writer.writerow(names)
    for row in rows:
        values = asdict(row)
        values |= {name: f"{values[name]:.6f}" for name in ("score", "label_score")}
        writer.writerow(values[name] for name in names)
    return text.getvalue()


def read_predictions(text: str, *, where: str) -> list[Prediction]:
    """Read back what `predictions_csv` wrote.

    Args:
        text: the CSV.
        where: it is from, for the message.

    Raises:
        DataError: it is something else.
    """
    try:
        return [
            Prediction(
                video=row["video"],
                label=row["label"],
                predicted=row["predicted"],
                right=row["right"] == "True",
                score=float(row["score"]),
                label_score=float(row["label_score"]),
            )
            for row in map(plain_row, csv.DictReader(io.StringIO(text, newline="")))
        ]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        msg = f"{where}: is no table of predictions ({error!r}): evaluate the version again"
        raise DataError(msg) from None
