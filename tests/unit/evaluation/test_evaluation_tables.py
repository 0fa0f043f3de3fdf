"""Tables of a scored set of videos: predictions, classes, calibration, paired comparison."""

from __future__ import annotations

import csv
import io
import math

import pytest
import torch

from vcc.errors import DataError
from vcc.evaluation.accuracy import VideoScores
from vcc.evaluation.calibration import reliability
from vcc.evaluation.paired import compare_paired, mcnemar_p
from vcc.evaluation.per_class import class_csv, class_rows, confusion_csv, confusion_matrix
from vcc.evaluation.predictions import prediction_rows, predictions_csv

LABELS = ("run", "$jump$", "sit, down")
VIDEOS = ("v1", "v2", "v3", "v4")


def scored(*best: int, labels: tuple[int, ...] = (0, 0, 1, 2), sure: float = 0.8) -> VideoScores:
    """Return scores that give `sure` to the class named for each video."""
    scores = torch.full((len(best), 3), (1 - sure) / 2)
    scores[torch.arange(len(best)), torch.tensor(best)] = sure
    return VideoScores(
        scores=scores, labels=torch.tensor(labels), clips=len(best), clip_top1=0.5, loss=1.0
    )


def test_predictions_survive_csv_with_names_that_csv_must_quote() -> None:
    rows = prediction_rows(scored(0, 1, 1, 0), videos=VIDEOS, labels=LABELS)
    read = list(csv.DictReader(io.StringIO(predictions_csv(rows))))
    assert [row["video"] for row in read] == list(VIDEOS)
    assert [row["right"] for row in read] == ["True", "False", "True", "False"]
    assert read[3]["label"] == "sit, down"
    assert float(read[3]["label_score"]) == pytest.approx(0.1)


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


def test_calibration_error_is_the_mean_gap() -> None:
    # 4 videos at a score of 0.78, 2 of them right: the gap is 0.28.
    curve = reliability(scored(0, 1, 1, 0, sure=0.78))
    assert curve.ece == pytest.approx(0.28, abs=1e-6)
    assert sum(curve.videos) == 4
    filled = [i for i, count in enumerate(curve.videos) if count]
    assert len(filled) == 1
    assert curve.accuracy[filled[0]] == 0.5
    assert curve.edges[filled[0]] < 0.78 <= curve.edges[filled[0] + 1]


def test_a_score_of_one_is_in_the_last_bin() -> None:
    curve = reliability(scored(0, 0, 1, 2, sure=1.0))
    assert curve.videos[-1] == 4
    assert curve.ece == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("lost", "gained", "p"),
    # 2 * (1 + 10 + 45) / 2**10; 2 * 1 / 2**5; an even split says nothing.
    [(0, 0, 1.0), (5, 0, 0.0625), (2, 8, 0.109375), (8, 2, 0.109375), (3, 3, 1.0)],
)
def test_mcnemar_is_a_binomial_test(lost: int, gained: int, p: float) -> None:
    assert mcnemar_p(lost, gained) == pytest.approx(p)


def test_paired_comparison_finds_the_flips() -> None:
    before = prediction_rows(scored(0, 0, 1, 0), videos=VIDEOS, labels=LABELS)
    after = prediction_rows(scored(0, 1, 0, 2), videos=VIDEOS, labels=LABELS)
    paired = compare_paired(before, after)
    assert {flip.before.video for flip in paired.flips} == {"v2", "v3", "v4"}
    assert (paired.lost, paired.gained) == (2, 1)
    assert paired.metrics()["video_top1_drop"] == pytest.approx(0.25)
    assert paired.metrics()["mcnemar_p"] == 1.0
    assert "2 that the dense network had right" in paired.sentence()


def test_other_videos_are_refused() -> None:
    before = prediction_rows(scored(0, 0, 1, 0), videos=VIDEOS, labels=LABELS)
    with pytest.raises(DataError, match="not the same videos"):
        compare_paired(before, list(reversed(before)))
