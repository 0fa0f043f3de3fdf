"""A study's summary, against figures computed by hand."""

from __future__ import annotations

import dataclasses
import math

import pytest
from study_cells import DENSE_TIMES, cell, timing

from vcc.evaluation.study.summary import loss_against_dense, summarise


def test_accuracy_and_loss_are_paired() -> None:
    # seed 1 loses one video of four, seed 2 gains one and loses none
    results = [cell(), cell(repeat="s2", right="1111", dense_right="1110")]
    (row,) = summarise(results, pooled=False)
    assert row.video_top1 == pytest.approx(0.75)
    assert row.spread == pytest.approx(math.sqrt(0.125))
    assert row.drop is not None
    interval = row.drop.interval
    assert interval.mean == pytest.approx(0.0)
    # a video's difference is its mean over the seeds: 0, 0, 1/2 and -1/2
    assert -0.5 <= interval.low < 0 < interval.high <= 0.5
    assert row.videos == 4
    assert row.drop.p_values == (1.0, 1.0)
    assert row.against is None


def test_folds_hold_different_videos() -> None:
    results = [cell(repeat="f1"), cell(repeat="f2", right="0", dense_right="1")]
    assert loss_against_dense(results, pooled=True).interval.mean == pytest.approx(2 / 5)
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
    assert row.vs_eager == pytest.approx(4.0)
    assert row.vs_dense == pytest.approx(1.0)


def test_what_was_not_timed_is_not_a_number() -> None:
    (row,) = summarise([cell(timings=())], pooled=False)
    assert math.isnan(row.best_ms)
    assert math.isnan(row.vs_eager)
    assert row.runtime == ""


def test_every_method_is_compared_with_the_reference_of_its_repeat() -> None:
    results = [
        cell(method="dense", dense_right="", repeat="split1", right="1000"),
        cell(method="longer", repeat="split1", right="1111"),
        cell(repeat="split1", right="1110"),
        # no reference in this repeat yet
        cell(repeat="split2", right="0000"),
        cell(model="alone", repeat="split1"),
    ]
    rows = summarise(results, pooled=True, reference="longer")
    dense, longer, filters, alone = rows
    assert (longer.against, alone.against) == (None, None)
    assert dense.against is not None
    # What training on brings: one of four against all four.
    assert dense.against.interval.mean == pytest.approx(3 / 4)
    assert filters.against is not None
    assert filters.against.interval.mean == pytest.approx(1 / 4)
    assert (filters.repeats, filters.against.repeats) == (2, 1)
    assert all(row.against is None for row in summarise(results, pooled=True))


def test_only_the_reference_may_be_of_unmeasured_accuracy() -> None:
    half = (timing("dense", "OpenVINO CPU", "bf16", 10.0), timing("compressed", "x", "bf16", 1.0))
    (row,) = summarise([cell(timings=(*cell().timings, *half))], pooled=False)
    assert row.runtime == "OpenVINO CPU int8"
    assert row.best_ms == pytest.approx(5.0)
    # 10 ms in bfloat16 against 5: what the dense network has for nothing is no gain
    assert row.vs_dense == pytest.approx(2.0)
