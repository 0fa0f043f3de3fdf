"""What holds for every paired comparison: of signs, of copies, of pooling, of no difference."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcc.evaluation.paired import mcnemar_p
from vcc.evaluation.study.losses import Pair, bootstrap_mean, paired_loss

BITS = st.text("01", min_size=1, max_size=40)


@st.composite
def pairs(draw: st.DrawFn, *, with_groups: bool = True) -> Pair:
    before = draw(BITS)
    after = draw(st.text("01", min_size=len(before), max_size=len(before)))
    numbers = draw(st.lists(st.integers(0, 6), min_size=len(before), max_size=len(before)))
    return Pair(before=before, after=after, groups=" ".join(map(str, numbers)) * with_groups)


def swapped(pair: Pair) -> Pair:
    return Pair(before=pair.after, after=pair.before, groups=pair.groups)


def copied(pair: Pair, times: int) -> Pair:
    """Return a pair with every video several times, all copies of one in one group."""
    numbers = [str(place) for place in range(len(pair.before)) for _ in range(times)]
    return Pair(
        before="".join(bit * times for bit in pair.before),
        after="".join(bit * times for bit in pair.after),
        groups=" ".join(numbers),
    )


@settings(max_examples=15)
@given(st.lists(pairs(), min_size=1, max_size=3))
def test_the_mean_is_what_was_lost_less_what_was_gained(given_pairs: list[Pair]) -> None:
    loss = paired_loss(given_pairs, pooled=True)
    flips = [each for pair in given_pairs for each in zip(pair.before, pair.after, strict=True)]
    lost, gained = flips.count(("1", "0")), flips.count(("0", "1"))
    assert loss.interval.mean == pytest.approx((lost - gained) / len(flips))
    assert loss.p_values == (mcnemar_p(lost, gained),)
    assert -1 <= loss.interval.low <= loss.interval.high <= 1


@settings(max_examples=15)
@given(st.lists(pairs(), min_size=1, max_size=3), st.booleans())
def test_the_other_way_round_it_is_the_opposite(given_pairs: list[Pair], grouped: bool) -> None:
    if not grouped:
        given_pairs = [Pair(before=pair.before, after=pair.after) for pair in given_pairs]
    there = paired_loss(given_pairs, pooled=True)
    back = paired_loss([swapped(pair) for pair in given_pairs], pooled=True)
    assert back.interval.mean == pytest.approx(-there.interval.mean)
    assert back.p_values == there.p_values
    if grouped:
        # The same draws of groups: without groups values are drawn in their order.
        assert back.interval.low == pytest.approx(-there.interval.high)
        assert back.interval.high == pytest.approx(-there.interval.low)


@settings(max_examples=15)
@given(pairs(), st.integers(2, 5))
def test_copies_of_a_video_in_its_group_say_no_more_than_one(pair: Pair, times: int) -> None:
    one, many = (paired_loss([copied(pair, count)], pooled=True) for count in (1, times))
    assert many.interval.mean == pytest.approx(one.interval.mean)
    assert many.interval.low == pytest.approx(one.interval.low)
    assert many.interval.high == pytest.approx(one.interval.high)


@settings(max_examples=15)
@given(BITS, st.booleans())
def test_the_same_answers_are_no_loss(bits: str, pooled: bool) -> None:
    loss = paired_loss([Pair(before=bits, after=bits)] * 2, pooled=pooled)
    assert (loss.interval.mean, loss.interval.low, loss.interval.high) == (0, 0, 0)
    assert set(loss.p_values) == {1.0}
    assert len(loss.p_values) == (1 if pooled else 2)


@settings(max_examples=15)
@given(st.lists(pairs(), min_size=2, max_size=3))
def test_groups_of_other_repeats_are_others(given_pairs: list[Pair]) -> None:
    apart = paired_loss(given_pairs, pooled=True)
    renamed = [
        Pair(
            before=pair.before,
            after=pair.after,
            groups=" ".join(f"{repeat}{number}" for number in pair.groups.split()),
        )
        for repeat, pair in enumerate(given_pairs, start=1)
    ]
    assert paired_loss(renamed, pooled=True) == apart


def test_the_interval_has_the_width_that_theory_gives() -> None:
    # 120 groups of 5 videos: each group has one difference, drawn, and each video its own.
    rng = np.random.default_rng(3)
    shared = np.repeat(rng.normal(0, 0.3, 120), 5)
    values = shared + rng.normal(0, 0.1, 600)
    clusters = np.repeat(np.arange(120), 5)
    interval = bootstrap_mean(values, clusters)
    means = values.reshape(120, 5).mean(axis=1)
    half = 1.96 * means.std() / math.sqrt(120)
    assert interval.high - interval.low == pytest.approx(2 * half, rel=0.05)
    # Taking the videos for independent would claim less than half of that.
    alone = bootstrap_mean(values)
    assert alone.high - alone.low < 0.55 * (interval.high - interval.low)
