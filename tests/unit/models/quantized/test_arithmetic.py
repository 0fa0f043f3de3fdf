"""Linear quantization where numbers end: ranges too narrow to be divided by."""

from __future__ import annotations

import pytest
import torch
from fake_weight import fake_quantize_weight
from hypothesis import given
from hypothesis import strategies as st

from vcc.models.quantized.arithmetic import (
    ASYMMETRIC_SIGNED,
    ASYMMETRIC_UNSIGNED,
    SYMMETRIC,
    SYMMETRIC_RESTRICTED,
    integer_range,
    linear_parameters,
)

MODES = (SYMMETRIC, SYMMETRIC_RESTRICTED, ASYMMETRIC_SIGNED, ASYMMETRIC_UNSIGNED)


@given(
    st.floats(-149, 100),
    st.floats(-1, 1),
    st.sampled_from(MODES),
    st.sampled_from([2, 4, 8, 16]),
)
def test_a_range_of_any_size_gives_numbers(
    exponent: float, low: float, mode: str, bits: int
) -> None:
    size = 2.0**exponent
    weight = torch.tensor([[size * low, size], [1.0, -1.0]])
    scale, _ = linear_parameters(weight.amin(1), weight.amax(1), bits, mode)
    assert scale.isfinite().all()
    # Files hold the inverse; some runtimes take what is below the normal numbers for 0.
    assert (1 / scale >= torch.finfo(torch.float32).tiny).all()
    got = fake_quantize_weight(weight, bits, mode, per_channel=True)
    lowest, highest = integer_range(bits, mode)
    step = 2 * size / (highest - lowest)
    assert (got[0] - weight[0]).abs().max() <= max(step, 2**bits * torch.finfo(torch.float32).tiny)


@pytest.mark.parametrize("mode", MODES)
def test_a_filter_that_died_counts_as_zeros(mode: str) -> None:
    weight = torch.tensor([[1e-43, -2e-43], [0.5, -0.25]])
    got = fake_quantize_weight(weight, 8, mode, per_channel=True)
    assert got[0].tolist() == [0, 0]
    assert (got[1] - weight[1]).abs().max() < 0.01
