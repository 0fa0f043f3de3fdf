"""R(2+1)D: split convolutions in ResNet's frame."""

from __future__ import annotations

import pytest
import torch
from shapes import shaped, shapes_of

from vcc.models.networks.resnet import conv3x3x3
from vcc.models.networks.resnet2p1d import SplitBasicBlock, middle_width, over_space, over_time


def test_the_frame_is_resnet_s() -> None:
    network = shaped("resnet2p1d", model_depth=18)
    assert shapes_of(network, ("conv1_s", "conv1_t", "layer1", "layer4")) == [
        (110, 16, 56, 56),
        (64, 16, 56, 56),
        (64, 8, 28, 28),
        (512, 1, 4, 4),
        (2, 7),
    ]


@pytest.mark.parametrize(("n_in", "n_out"), [(64, 64), (64, 128), (256, 512), (8, 8)])
def test_a_pair_has_at_most_the_weights_of_the_whole(n_in: int, n_out: int) -> None:
    whole = conv3x3x3(n_in, n_out).weight.numel()

    def pair(middle: int) -> int:
        convs = over_space(n_in, middle), over_time(middle, n_out)
        return sum(conv.weight.numel() for conv in convs)

    middle = middle_width(n_in, n_out)
    assert pair(middle) <= whole < pair(middle + 1)


def test_one_channel_is_always_left_between_the_two() -> None:
    assert middle_width(1, 1) == 2
    assert middle_width(1, 1, space=1, time=1) == 1


def test_space_and_time_are_halved_by_one_convolution_each() -> None:
    block = SplitBasicBlock(4, 4, 2, None)
    x = torch.zeros(1, 4, 4, 6, 6)
    assert block.conv1_s(x).shape[2:] == (4, 3, 3)
    assert block.conv1_t(block.conv1_s(x)).shape[2:] == (2, 3, 3)
