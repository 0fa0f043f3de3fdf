"""How sparsity and thresholds grow, against the formulas of their papers."""

from __future__ import annotations

import pytest
from prune_context import context

from vcc.compression.pruners.ramps import (
    AgpFraction,
    ConstantFraction,
    RandomFraction,
    agp_sparsity,
    baidu_slopes,
    baidu_threshold,
    splicing_sensitivity,
)
from vcc.compression.schedule.epochs import epoch_list, epoch_range


@pytest.mark.parametrize(("epoch", "sparsity"), [(2, 0.2), (4, 0.725), (6, 0.8)])
def test_agp_is_a_cube_that_ends_at_its_final_sparsity(epoch: int, sparsity: float) -> None:
    # half way: 0.8 + (0.2 - 0.8) * 0.5^3
    active = epoch_range(2, 7)
    assert agp_sparsity(epoch, active, initial=0.2, final=0.8) == pytest.approx(sparsity)


def test_agp_ends_on_the_last_epoch_that_acts_whatever_the_frequency() -> None:
    assert agp_sparsity(3, epoch_range(0, 5, 3), initial=0.0, final=0.5) == 0.5
    assert agp_sparsity(9, epoch_list([9]), initial=0.0, final=0.5) == 0.5


def test_baidu_has_two_slopes() -> None:
    active = epoch_range(0, 10)
    # 2 q f / (2 (ramp - start) + 3 (end - ramp)) = 2 * 0.13 / (2 * 5 + 3 * 5) = 0.0104
    before, after = baidu_slopes(active, q=0.13, offset=5, multiplier=2.0)
    assert (before, after) == pytest.approx((0.0104, 0.0208))
    options = {"q": 0.13, "offset": 5, "multiplier": 2.0}
    assert baidu_threshold(0, active, **options) == pytest.approx(0.0104)
    assert baidu_threshold(4, active, **options) == pytest.approx(5 * 0.0104)
    assert baidu_threshold(6, active, **options) == pytest.approx(6 * 0.0104 + 2 * 0.0208)


@pytest.mark.parametrize(("multiplier", "grown"), [(0.0, 0.5), (0.1, 0.65)])
def test_a_splicing_sensitivity_grows_by_its_multiplier(multiplier: float, grown: float) -> None:
    assert splicing_sensitivity(0.5, 5, 2, multiplier) == pytest.approx(grown)


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
