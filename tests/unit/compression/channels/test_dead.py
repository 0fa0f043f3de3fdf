"""Filters that nothing reads, found behind shuffles and splits too."""

from __future__ import annotations

import pytest
import torch
from models_tiny import tiny_clip, tiny_network

from vcc.compression.channels.dead import masks_of_dead_channels
from vcc.compression.channels.trace import trace_channels


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_a_shuffled_channel_that_nothing_reads_is_its_filter_s() -> None:
    model = tiny_network("shufflenetv2")
    half = model.features[15].split.parts[0].n_out
    place = model.features[15].shuffle.order.index(half + 5)
    with torch.no_grad():
        model.conv_last[0].weight[:, place] = 0
    masks = masks_of_dead_channels({}, trace_channels(model, tiny_clip()))
    assert list(masks) == ["features.15.banch2.5.weight"]
    kept = masks["features.15.banch2.5.weight"].flatten(1).any(dim=1)
    assert (~kept).nonzero().flatten().tolist() == [5]


def test_padding_does_not_stand_in_the_way() -> None:
    model = tiny_network("resnet10a")
    with torch.no_grad():
        model.layer4[0].conv2.weight[:, 3] = 0
    assert list(masks_of_dead_channels({}, trace_channels(model, tiny_clip()))) == [
        "layer4.0.conv1.weight"
    ]
