"""3D MobileNet: separable convolutions."""

from __future__ import annotations

import torch
from shapes import count, shaped, shapes_of

from vcc.models.layers import is_depthwise
from vcc.models.networks.mobilenet import SeparableConv


def test_features_are_as_published() -> None:
    network = shaped("mobilenet")
    names = tuple(f"features.{number}" for number in (0, 1, 3, 5, 11, 13))
    assert shapes_of(network, names) == [
        (32, 16, 56, 56),
        (64, 8, 28, 28),
        (128, 4, 14, 14),
        (256, 2, 7, 7),
        (512, 1, 4, 4),
        (1024, 1, 4, 4),
        (2, 7),
    ]
    assert count(network, SeparableConv) == 13


def test_a_separable_convolution_filters_each_channel_and_then_mixes_them() -> None:
    block = SeparableConv(3, 5, 2).eval()
    assert is_depthwise(block.conv1)
    assert block(torch.randn(2, 3, 4, 6, 7)).shape == (2, 5, 2, 3, 4)


def test_nothing_is_below_zero_behind_it() -> None:
    assert SeparableConv(3, 5, 1)(torch.randn(2, 3, 2, 4, 4)).min() == 0
