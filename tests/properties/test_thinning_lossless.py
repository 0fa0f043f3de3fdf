"""Whatever is masked, thinning does not change what a network computes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models_tiny import CLIP, EACH_KIND, apply_masks, clip_shape, random_masks, tiny_network
from torch import nn

from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.thinning.remove import thin_
from vcc.models import count_parameters


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("variant", EACH_KIND)
@settings(max_examples=3, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    together=st.floats(0, 0.9),
    alone=st.floats(0, 0.5),
    round_to=st.sampled_from([1, 4]),
)
def test_thinned_equals_masked(variant, seed, together, alone, round_to):
    torch.manual_seed(seed)
    model = tiny_network(variant)
    clip = torch.randn(2, *clip_shape(variant)[1:], dtype=torch.float64)
    channels = TracedChannels.of(model, clip)
    masks = random_masks(model, clip, together=together, alone=alone, channels=channels)
    apply_masks(model, masks, clip, channels=channels)
    expected = model(clip)
    before = count_parameters(model)
    report = thin_(model, masks, clip[:1], round_to=round_to, channels=channels)
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


@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_thinning_twice_removes_nothing_more(seed):
    torch.manual_seed(seed)
    model = tiny_network("resnet50a")
    clip = torch.randn(CLIP, dtype=torch.float64)
    channels = TracedChannels.of(model, clip)
    masks = random_masks(model, clip, channels=channels)
    apply_masks(model, masks, clip, channels=channels)
    report = thin_(model, masks, clip, channels=channels)
    sliced = {name: report.slice(name, mask) for name, mask in masks.items()}
    assert thin_(model, sliced, clip).removed == 0


def grouped_network(groups: tuple[int, int]) -> nn.Module:
    """Return a residual network of two grouped convolutions in a row, in float64."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.reduce = nn.Conv3d(3, 12, 1, bias=False)
            self.norm = nn.BatchNorm3d(12)
            self.first = nn.Conv3d(12, 24, (1, 3, 3), padding=(0, 1, 1), groups=groups[0])
            self.second = nn.Conv3d(24, 12, 1, groups=groups[1], bias=False)
            self.fc = nn.Linear(12, 3)

        def forward(self, x):
            start = torch.relu(self.norm(self.reduce(x)))
            out = self.second(torch.relu(self.first(start)))
            return self.fc(torch.relu(out + start).mean((2, 3, 4)))

    block = Block().double().eval()
    nn.init.normal_(block.norm.running_mean)
    nn.init.normal_(block.norm.bias)
    return block


@pytest.mark.parametrize("groups", [(2, 2), (4, 3), (12, 2)])
@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    together=st.floats(0, 0.95),
    alone=st.floats(0, 0.3),
    round_to=st.sampled_from([1, 4]),
)
def test_thinned_equals_masked_with_grouped_convolutions(groups, seed, together, alone, round_to):
    torch.manual_seed(seed)
    model, clip = grouped_network(groups), torch.randn(2, 3, 2, 4, 4, dtype=torch.float64)
    channels = TracedChannels.of(model, clip)
    masks = random_masks(model, clip, together=together, alone=alone, channels=channels)
    apply_masks(model, masks, clip, channels=channels)
    expected = model(clip)
    report = thin_(model, masks, clip, round_to=round_to, channels=channels)
    assert (model(clip) - expected).abs().max() <= 1e-9 * max(1, expected.abs().max())
    for module in (model.first, model.second):
        assert module.weight.shape[1] * module.groups == module.in_channels
        assert module.out_channels % module.groups == 0
    for name, mask in masks.items():
        assert report.slice(name, mask).shape == model.get_parameter(name).shape


def test_grouped_convolutions_lose_what_all_of_their_groups_can():
    model, clip = grouped_network((4, 2)), torch.randn(1, 3, 2, 4, 4, dtype=torch.float64)
    # Of the stream, one of every three channels that a group of the first reads, and one more.
    stream = (1, 2, 4, 7, 10)
    dead = {"reduce": stream, "second": stream, "first": tuple(range(0, 24, 2))}
    masks = {}
    for name, filters in dead.items():
        weight = model.get_parameter(f"{name}.weight")
        keep = torch.ones(len(weight), dtype=torch.bool)
        keep[list(filters)] = False
        masks[f"{name}.weight"] = keep.view(-1, 1, 1, 1, 1).expand(weight.shape)
    apply_masks(model, masks, clip)
    expected = model(clip)
    rows = {row.layer: row for row in thin_(model, masks, clip).rows}
    assert rows["first"].removed == 12
    assert rows["reduce"].removed == 4
    assert rows["reduce"].why == "1 kept so that grouped convolutions stay equal"
    assert (model(clip) - expected).abs().max() < 1e-12
