"""Baselines that never look at a video's content."""

from __future__ import annotations

from vcc.evaluation.baselines import predict_by_resolution, predict_largest_class

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
