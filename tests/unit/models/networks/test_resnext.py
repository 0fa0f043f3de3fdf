"""3D ResNeXt: grouped bottlenecks in ResNet's frame."""

from __future__ import annotations

import pytest
from shapes import shaped, shapes_of

from vcc.models.networks.resnext import BLOCKS, ResNeXtBottleneck


def test_stages_are_as_wide_as_published() -> None:
    network = shaped("resnext", model_depth=50)
    assert shapes_of(network, ("layer1", "layer2", "layer3", "layer4")) == [
        (256, 8, 28, 28),
        (512, 4, 14, 14),
        (1024, 2, 7, 7),
        (2048, 1, 4, 4),
        (2, 7),
    ]


@pytest.mark.parametrize(
    ("width", "cardinality", "middle"),
    [(128, 32, 128), (256, 32, 256), (128, 16, 64), (1024, 8, 256), (16, 4, 4)],
)
def test_a_group_has_a_32nd_of_the_width_and_one_channel_at_least(
    width: int, cardinality: int, middle: int
) -> None:
    block = ResNeXtBottleneck(64, width, 1, None, cardinality=cardinality)
    assert (block.conv2.groups, block.conv2.out_channels) == (cardinality, middle)
    assert block.conv3.out_channels == 2 * width


@pytest.mark.parametrize("depth", BLOCKS)
def test_a_depth_counts_convolutions_and_the_head(depth: int) -> None:
    assert 2 + 3 * sum(BLOCKS[depth]) == depth
