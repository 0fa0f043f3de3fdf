"""Paired losses, against figures computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vcc.evaluation.study.losses import (
    Interval,
    Pair,
    bootstrap_mean,
    excess_loss,
    paired_loss,
    points,
)


def test_the_interval_is_that_of_the_binomial() -> None:
    # 0/1 values: the bootstrap's spread is the binomial's, sqrt(p (1 - p) / n)
    values = np.repeat([0.0, 1.0], [700, 300])
    interval = bootstrap_mean(values)
    half = 1.96 * math.sqrt(0.3 * 0.7 / 1000)
    assert interval.mean == pytest.approx(0.3)
    assert interval.low == pytest.approx(0.3 - half, abs=0.003)
    assert interval.high == pytest.approx(0.3 + half, abs=0.003)
    assert bootstrap_mean(values) == interval


def test_pooled_repeats_are_one_test_and_seeds_one_each() -> None:
    # six lost and none gained, three in each repeat
    pairs = [Pair(before="1111", after="0001")] * 2
    pooled = paired_loss(pairs, pooled=True)
    assert pooled.interval.mean == pytest.approx(6 / 8)
    assert pooled.p_values == (pytest.approx(2 / 2**6),)
    seeds = paired_loss(pairs, pooled=False)
    assert seeds.interval.mean == pytest.approx(3 / 4)
    assert seeds.p_values == (pytest.approx(2 / 2**3),) * 2
    assert seeds.repeats == 2


def test_groups_are_drawn_as_a_whole() -> None:
    # All of the loss is one group's, which is drawn or is not.
    pair = Pair(before="11110000", after="00000000", groups="0 0 0 0 1 1 1 1")
    interval = paired_loss([pair], pooled=True).interval
    assert (interval.mean, interval.low, interval.high) == (0.5, 0.0, 1.0)
    alone = paired_loss([Pair(before=pair.before, after=pair.after)], pooled=True).interval
    assert 0 < alone.low < alone.high < 1


def test_what_is_lost_beyond_the_plain_videos() -> None:
    plain = [Pair(before="1111", after="1110", groups="0 1 2 3")]
    changed = [Pair(before="1110", after="1000", groups="0 1 2 3")]
    # 2 of four lost there, 1 of four here
    excess = excess_loss(changed, plain, pooled=True)
    assert excess.mean == pytest.approx(1 / 4)
    assert excess.low <= excess.mean <= excess.high
    same = excess_loss(plain, plain, pooled=False)
    assert (same.mean, same.low, same.high) == (0, 0, 0)


def test_points_are_signed() -> None:
    assert points(Interval(mean=0.012, low=-0.003, high=0.027)) == "+1.20 (-0.30 to +2.70)"
