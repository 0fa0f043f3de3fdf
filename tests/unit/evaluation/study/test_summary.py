"""A study's summary, against figures computed by hand."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from study_cells import DENSE_TIMES, cell, timing

from vcc.evaluation.study.summary import bootstrap_mean, paired_drop, summarise


def test_accuracy_and_loss_are_paired() -> None:
    # seed 1 loses one video of four, seed 2 gains one and loses none
    results = [cell(), cell(repeat="s2", right="1111", dense_right="1110")]
    (row,) = summarise(results, pooled=False)
    assert row.video_top1 == pytest.approx(0.75)
    assert row.spread == pytest.approx(math.sqrt(0.125))
    assert row.drop is not None
    assert row.drop.mean == pytest.approx(0.0)
    # a video's difference is its mean over the seeds: 0, 0, 1/2 and -1/2
    assert -0.5 <= row.drop.low < 0 < row.drop.high <= 0.5
    assert row.videos == 4
    assert row.p_values == (1.0, 1.0)


def test_folds_hold_different_videos() -> None:
    results = [cell(repeat="f1"), cell(repeat="f2", right="0", dense_right="1")]
    assert paired_drop(results, pooled=True).mean == pytest.approx(2 / 5)
    (row,) = summarise(results, pooled=True)
    assert row.videos == 5


def test_speed_ups_are_ratios_within_a_run() -> None:
    slow = tuple(dataclasses.replace(each, p50_ms=3 * each.p50_ms) for each in cell().timings)
    (row,) = summarise([cell(), cell(repeat="s2", timings=slow)], pooled=False)
    assert row.vs_eager == pytest.approx(20.0)
    assert row.vs_ort == pytest.approx(10.0)
    assert row.vs_dense == pytest.approx(5.0)
    assert row.runtime == "OpenVINO CPU int8"
    assert row.best_ms == pytest.approx(10.0)
    assert row.eager_ms == pytest.approx(200.0)


def test_a_dense_row_has_no_loss() -> None:
    (row,) = summarise([cell(method="dense", dense_right="", timings=DENSE_TIMES)], pooled=False)
    assert row.drop is None
    assert row.p_values == ()
    assert row.vs_eager == pytest.approx(4.0)
    assert row.vs_dense == pytest.approx(1.0)


def test_what_was_not_timed_is_not_a_number() -> None:
    (row,) = summarise([cell(timings=())], pooled=False)
    assert math.isnan(row.best_ms)
    assert math.isnan(row.vs_eager)
    assert row.runtime == ""


def test_the_interval_is_that_of_the_binomial() -> None:
    # 0/1 values: the bootstrap's spread is the binomial's, sqrt(p (1 - p) / n)
    values = np.repeat([0.0, 1.0], [700, 300])
    interval = bootstrap_mean(values)
    half = 1.96 * math.sqrt(0.3 * 0.7 / 1000)
    assert interval.mean == pytest.approx(0.3)
    assert interval.low == pytest.approx(0.3 - half, abs=0.003)
    assert interval.high == pytest.approx(0.3 + half, abs=0.003)
    assert bootstrap_mean(values) == interval


def test_only_the_reference_may_be_of_unmeasured_accuracy() -> None:
    half = (timing("dense", "OpenVINO CPU", "bf16", 10.0), timing("compressed", "x", "bf16", 1.0))
    (row,) = summarise([cell(timings=(*cell().timings, *half))], pooled=False)
    assert row.runtime == "OpenVINO CPU int8"
    assert row.best_ms == pytest.approx(5.0)
    # 10 ms in bfloat16 against 5: what the dense network has for nothing is no gain
    assert row.vs_dense == pytest.approx(2.0)
