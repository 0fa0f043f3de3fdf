"""3D CSN: channel-separated bottlenecks."""

from __future__ import annotations

import pytest
import torch
from shapes import shaped, shapes_of
from torch import nn

from vcc.models.layers import is_depthwise
from vcc.models.networks.csn import SeparatedBottleneck


def test_the_stem_keeps_the_time() -> None:
    network = shaped("csn", model_depth=26)
    assert shapes_of(network, ("max_pool", "layer1", "layer2", "layer3", "layer4")) == [
        (64, 16, 28, 28),
        (256, 16, 28, 28),
        (512, 8, 14, 14),
        (1024, 4, 7, 7),
        (2048, 2, 4, 4),
        (2, 7),
    ]


@pytest.mark.parametrize(("model_type", "convolutions"), [("ir", 1), ("ip", 2)])
def test_channels_interact_in_ip_alone(model_type: str, convolutions: int) -> None:
    block = SeparatedBottleneck(8, 2, 1, model_type)
    assert len(block.conv2) == convolutions
    assert is_depthwise(block.conv2[-1])


@pytest.mark.parametrize(
    ("n_in", "stride", "shortcut"), [(8, 1, False), (8, 2, True), (4, 1, True)]
)
def test_a_shortcut_stands_where_the_shape_changes(n_in: int, stride: int, shortcut: bool) -> None:
    assert (SeparatedBottleneck(n_in, 2, stride, "ir").downsample is not None) is shortcut


def test_a_block_without_weights_passes_its_input_on() -> None:
    block = SeparatedBottleneck(8, 2, 1, "ip").eval()
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(1, 8, 2, 3, 3)
    given = x.clone()
    assert torch.equal(block(x), given.relu())
