"""Which weights cannot overflow 16 bits, over every pair of products at the ends."""

from __future__ import annotations

import itertools

import pytest

from vcc.config.overflow import (
    AUTO,
    FAST,
    SAFE,
    SAFE_BITS,
    SAFE_SIZE,
    SAFE_TOP,
    settled,
    weight_bits,
)


def sums(lowest: int, highest: int) -> list[int]:
    ends, activations = (lowest, highest), (0, 255)
    pairs = itertools.product(activations, ends, activations, ends)
    return [u * a + v * b for u, a, v, b in pairs]


def test_weights_of_seven_bits_fit_and_one_more_does_not() -> None:
    assert SAFE_TOP == 2 ** (SAFE_BITS - 1) - 1
    fitting = sums(-SAFE_SIZE, SAFE_SIZE)
    assert min(fitting) >= -(2**15)
    assert max(fitting) < 2**15
    assert max(sums(-SAFE_SIZE, SAFE_SIZE + 1)) >= 2**15


@pytest.mark.parametrize(
    ("overflow", "target", "meant"),
    [
        (AUTO, "cpu", SAFE),
        (AUTO, "tensorrt", FAST),
        (FAST, "cpu", FAST),
        (SAFE, "tensorrt", SAFE),
    ],
)
def test_auto_is_safe_where_a_cpu_runs_the_integers(overflow: str, target: str, meant: str) -> None:
    assert settled(overflow, target) == meant


@pytest.mark.parametrize(
    ("bits", "overflow", "given"), [(8, SAFE, 7), (8, FAST, 8), (4, SAFE, 4), (16, SAFE, 16)]
)
def test_int8_weights_alone_lose_a_bit(bits: int, overflow: str, given: int) -> None:
    assert weight_bits(bits, overflow) == given
