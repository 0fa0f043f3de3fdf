"""The stem is cut in time as a pruner of its slices would cut it, and computes what that masked."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from vcc.compression.masks.selection import count_structures
from vcc.pipeline.card import Network
from vcc.pipeline.search.knobs.stem_time import StemTime, stem_time


@pytest.mark.parametrize(
    ("taps", "shorter"), [(2, (1,)), (3, (1,)), (4, (3, 1)), (5, (3, 1)), (7, (5, 3, 1))]
)
def test_odd_lengths_are_tried_and_a_schedule_keeps_as_many(
    taps: int, shorter: tuple[int, ...]
) -> None:
    found = StemTime("conv1.weight", taps)
    assert found.shorter == shorter
    assert [taps - count_structures(taps, found.share(left)) for left in shorter] == list(shorter)


def test_the_strongest_neighbours_stay(network: Network) -> None:
    found = stem_time(network.model)
    assert found == StemTime("conv1.weight", 7)
    cut, masked = copy.deepcopy(network.model), copy.deepcopy(network.model)
    with torch.no_grad():
        for model in (cut, masked):
            model.get_parameter("conv1.weight")[:, :, 2:5] *= 9
        masked.get_parameter("conv1.weight")[:, :, [0, 1, 5, 6]] = 0
    clip = torch.randn(2, *network.card.clip_shape)
    found.shorten_(cut, 3, torch.zeros_like(clip))
    assert cut.get_submodule("conv1").kernel_size == (3, 7, 7)
    assert torch.allclose(cut(clip), masked(clip), atol=1e-5)


@pytest.mark.parametrize(
    "stem", [nn.Conv3d(3, 4, (1, 7, 7)), nn.Conv3d(3, 4, 3, padding="same"), nn.Linear(3, 4)]
)
def test_what_cannot_be_cut_is_no_knob(stem: nn.Module) -> None:
    assert stem_time(nn.Sequential(stem)) is None
