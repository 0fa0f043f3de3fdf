"""Folds summed up, beside what the network has to beat."""

from __future__ import annotations

import pytest

from vcc.evaluation.cross_validation import CrossValidation, FoldAnswers


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
