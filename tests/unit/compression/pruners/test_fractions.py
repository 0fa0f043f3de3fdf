"""What share is pruned at a moment."""

from __future__ import annotations

import pytest
from prune_context import context

from vcc.compression.pruners.fractions import AgpFraction, ConstantFraction, RandomFraction


def test_a_constant_and_a_ramp() -> None:
    assert ConstantFraction(0.3)("w", context(5)) == 0.3
    ramp = AgpFraction(0.1, 0.5)
    assert [ramp("w", context(epoch)) for epoch in (0, 9)] == pytest.approx([0.1, 0.5])


def test_a_random_share_stays_in_its_range_and_is_drawn_anew() -> None:
    fraction = RandomFraction(0.2, 0.6)
    drawn = [fraction("w", context(epoch)) for epoch in range(50)]
    assert all(0.2 <= share < 0.6 for share in drawn)
    assert len(set(drawn)) == 50
    assert fraction("w", context(7)) == drawn[7]
    assert fraction("v", context(7)) != drawn[7]
