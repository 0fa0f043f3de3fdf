"""Baselines that never look at a video's content, and intervals of accuracies."""

from __future__ import annotations

import pytest

from vcc.evaluation.baselines import predict_by_resolution, predict_largest_class
from vcc.evaluation.cross_validation import CrossValidation, FoldAnswers
from vcc.evaluation.intervals import student_t_interval, wilson_interval

SMALL, LARGE, OTHER = (320, 240), (1280, 720), (640, 360)


def test_the_largest_class_is_the_training_videos_not_the_tested_ones() -> None:
    assert predict_largest_class([1, 1, 0], 2) == [1, 1]
    assert predict_largest_class([2, 1, 1, 2], 1) == [1]


def test_resolution_is_right_where_it_tells_the_class() -> None:
    sizes, labels = [SMALL] * 5 + [LARGE] * 4, [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert predict_by_resolution(sizes, labels, [LARGE, SMALL, SMALL]) == [1, 0, 0]


def test_resolution_is_no_better_than_the_largest_class_where_it_tells_nothing() -> None:
    sizes, labels = [SMALL, SMALL, SMALL, LARGE, LARGE, LARGE], [1, 1, 0, 1, 1, 0]
    asked = [SMALL, LARGE]
    assert predict_by_resolution(sizes, labels, asked) == predict_largest_class(labels, 2)


def test_a_resolution_never_seen_gets_the_largest_class() -> None:
    assert predict_by_resolution([SMALL, LARGE, LARGE], [0, 1, 1], [OTHER]) == [1]


def test_students_interval_against_a_hand_calculation() -> None:
    # mean 0.6, s = 0.1581, s / sqrt(5) = 0.0707, t(4, 0.975) = 2.7764
    interval = student_t_interval([0.4, 0.5, 0.6, 0.7, 0.8])
    assert interval.mean == pytest.approx(0.6)
    assert interval.low == pytest.approx(0.6 - 0.1963, abs=1e-4)
    assert interval.high == pytest.approx(0.6 + 0.1963, abs=1e-4)


def test_wilsons_interval_against_a_published_one() -> None:
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662.
    interval = wilson_interval(81, 263)
    assert (interval.low, interval.high) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(0, 10).low == 0.0


def fold(network: list[int], resolution: list[int]) -> FoldAnswers:
    labels = (0, 1, 0, 1, 0, 1, 0, 1, 0, 1)
    return FoldAnswers(
        videos=tuple(f"v{number}" for number in range(10)),
        labels=labels,
        network=tuple(network),
        largest_class=(0,) * 10,
        resolution=tuple(resolution),
    )


def test_folds_are_summed_up_with_what_the_network_has_to_beat() -> None:
    perfect, half = [0, 1] * 5, [0] * 10
    result = CrossValidation(arch="net", folds=(fold(perfect, half), fold(perfect, perfect)))
    metrics = result.metrics()
    assert metrics["video_top1"] == metrics["video_top1_pooled"] == 1.0
    assert metrics["largest_class_top1"] == 0.5
    assert metrics["resolution_top1"] == 0.75
    assert (metrics["folds"], metrics["test_videos"]) == (2, 20)
    assert result.p_value("largest_class") == pytest.approx(2 * 0.5**10)
    assert result.sentences()[0].startswith("net is above the largest class, hardly by chance")
    # Five videos more, of twenty: p = 2 / 2**5.
    assert result.p_value("resolution") == pytest.approx(0.0625)
    assert result.sentences()[1].startswith("net is above resolution alone, which may be chance")
    assert result.as_csv().splitlines()[:2] == [
        "fold,video,label,network,largest_class,resolution",
        "1,v0,0,0,0,0",
    ]


def test_a_network_that_is_not_above_a_baseline_is_said_not_to_be() -> None:
    half, perfect = [0] * 10, [0, 1] * 5
    result = CrossValidation(arch="net", folds=(fold(half, perfect), fold(half, perfect)))
    assert result.sentences() == [
        "net is not above the largest class: 50.0% against 50.0%",
        "net is not above resolution alone: 50.0% against 100.0%",
    ]
