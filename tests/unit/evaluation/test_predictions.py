"""The table of predictions."""

from __future__ import annotations

import csv
import io

import pytest
from scored_videos import LABELS, VIDEOS, scored

from vcc.evaluation.predictions import prediction_rows, predictions_csv


def test_predictions_survive_csv_with_names_that_csv_must_quote() -> None:
    rows = prediction_rows(scored(0, 1, 1, 0), videos=VIDEOS, labels=LABELS)
    read = list(csv.DictReader(io.StringIO(predictions_csv(rows))))
    assert [row["video"] for row in read] == list(VIDEOS)
    assert [row["right"] for row in read] == ["True", "False", "True", "False"]
    assert read[3]["label"] == "sit, down"
    assert float(read[3]["label_score"]) == pytest.approx(0.1)
