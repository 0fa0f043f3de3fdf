"""Whatever is masked, thinning does not change what a network computes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models_tiny import CLIP, VARIANTS, apply_masks, random_masks, tiny_network

from vcc.compression.thinning import thin_
from vcc.models import count_parameters


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("variant", VARIANTS)
@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    together=st.floats(0, 0.9),
    alone=st.floats(0, 0.5),
    round_to=st.sampled_from([1, 4]),
)
def test_thinned_equals_masked(variant, seed, together, alone, round_to):
    torch.manual_seed(seed)
    model = tiny_network(variant)
    clip = torch.randn(2, *CLIP[1:], dtype=torch.float64)
    masks = random_masks(model, clip, together=together, alone=alone)
    apply_masks(model, masks, clip)
    expected = model(clip)
    before = count_parameters(model)
    report = thin_(model, masks, clip[:1], round_to=round_to)
    assert (model(clip) - expected).abs().max() <= 1e-9 * max(1, expected.abs().max())
    assert (count_parameters(model) < before) == (report.removed > 0)
    for row in report.rows:
        assert row.removed <= row.masked <= row.channels
        assert row.left >= row.asked - row.removed
        assert bool(row.why) == bool(row.left)


@pytest.mark.parametrize("variant", ["resnet10a", "mobilenetv2", "csn26ip"])
def test_float32_stays_within_its_rounding(variant):
    torch.manual_seed(3)
    model = tiny_network(variant, dtype=torch.float32)
    clip = torch.randn(CLIP)
    masks = random_masks(model, clip)
    apply_masks(model, masks, clip)
    expected = model(clip)
    assert thin_(model, masks, clip).removed > 0
    assert (model(clip) - expected).abs().max() <= 1e-4


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_thinning_twice_removes_nothing_more(seed):
    torch.manual_seed(seed)
    model = tiny_network("resnet50a")
    clip = torch.randn(CLIP, dtype=torch.float64)
    masks = random_masks(model, clip)
    apply_masks(model, masks, clip)
    report = thin_(model, masks, clip)
    sliced = {name: report.slice(name, mask) for name, mask in masks.items()}
    assert thin_(model, sliced, clip).removed == 0
