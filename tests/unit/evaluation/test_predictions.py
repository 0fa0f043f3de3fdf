"""The table of predictions."""

from __future__ import annotations

import csv
import io

import pytest
from scored_videos import LABELS, VIDEOS, scored

from vcc.errors import DataError
from vcc.evaluation.predictions import prediction_rows, predictions_csv, read_predictions


def test_predictions_survive_csv_with_names_that_csv_must_quote() -> None:
    rows = prediction_rows(scored(0, 1, 1, 0), videos=VIDEOS, labels=LABELS)
    read = list(csv.DictReader(io.StringIO(predictions_csv(rows))))
    assert [row["video"] for row in read] == list(VIDEOS)
    assert [row["right"] for row in read] == ["True", "False", "True", "False"]
    assert read[3]["label"] == "sit, down"
    assert float(read[3]["label_score"]) == pytest.approx(0.1)


def test_predictions_are_read_back() -> None:
    rows = prediction_rows(scored(0, 1, 1, 0), videos=("=v1", *VIDEOS[1:]), labels=LABELS)
    read = read_predictions(predictions_csv(rows), where="here")
    assert [(row.video, row.label, row.right) for row in read] == [
        (row.video, row.label, row.right) for row in rows
    ]
    assert read[0].score == pytest.approx(rows[0].score)
    with pytest.raises(DataError, match="here: is no table of predictions .*: evaluate the vers"):
        read_predictions("video,label\nv1,run\n", where="here")
