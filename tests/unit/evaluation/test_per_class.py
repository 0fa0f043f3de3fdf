"""Confusion and accuracy of each class, by hand."""

from __future__ import annotations

import math

from scored_videos import LABELS, VIDEOS, scored

from vcc.evaluation.per_class import (
    class_csv,
    class_rows,
    classes_of,
    confusion_csv,
    confusion_matrix,
)
from vcc.evaluation.predictions import prediction_rows


def test_confusion_has_labels_in_rows() -> None:
    confusion = confusion_matrix(scored(0, 1, 1, 0))
    assert confusion.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    rows = class_rows(confusion, LABELS)
    assert [row.accuracy for row in rows] == [0.5, 1.0, 0.0]
    assert [row.confused_with for row in rows] == ["$jump$", "", "run"]
    assert confusion_csv(confusion, LABELS).splitlines()[1] == "run,1,1,0"
    assert class_csv(rows).splitlines()[3] == '"sit, down",1,0.0000,run'


def test_a_class_without_videos_has_no_accuracy() -> None:
    rows = class_rows(confusion_matrix(scored(0, 0, labels=(0, 0))), LABELS)
    assert rows[0].accuracy == 1.0
    assert math.isnan(rows[1].accuracy)


def test_classes_follow_from_a_table_of_predictions() -> None:
    scores = scored(0, 1, 1, 0)
    rows = classes_of(prediction_rows(scores, videos=VIDEOS, labels=LABELS))
    of_matrix = class_rows(confusion_matrix(scores), LABELS)
    assert rows == sorted(of_matrix, key=lambda row: row.label)
