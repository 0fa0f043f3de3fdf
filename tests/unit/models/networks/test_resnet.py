"""3D ResNet: stages, blocks and shortcuts."""

from __future__ import annotations

import pytest
import torch
from shapes import shaped, shapes_of
from torch import nn

from vcc.models.layers import ChannelPad
from vcc.models.networks.resnet import BLOCKS, BasicBlock, Bottleneck

STAGES = ("maxpool", "layer1", "layer2", "layer3", "layer4")


@pytest.mark.parametrize(("depth", "expansion"), [(10, 1), (50, 4)])
def test_each_stage_halves_time_and_space(depth: int, expansion: int) -> None:
    assert shapes_of(shaped("resnet", model_depth=depth), STAGES) == [
        (64, 8, 28, 28),
        (64 * expansion, 8, 28, 28),
        (128 * expansion, 4, 14, 14),
        (256 * expansion, 2, 7, 7),
        (512 * expansion, 1, 4, 4),
        (2, 7),
    ]


@pytest.mark.parametrize("depth", BLOCKS)
def test_a_depth_counts_convolutions_and_the_head(depth: int) -> None:
    block, counts = BLOCKS[depth]
    per_block = 2 if block is BasicBlock else 3
    assert 2 + per_block * sum(counts) == depth


def test_the_width_scales_every_stage() -> None:
    network = shaped("resnet", model_depth=10, width_mult=0.25)
    assert [shape[0] for shape in shapes_of(network, STAGES)] == [16, 16, 32, 64, 128, 2]


@pytest.mark.parametrize(("kind", "shortcut"), [("A", ChannelPad), ("B", nn.Sequential)])
def test_a_shortcut_stands_where_the_shape_changes(kind: str, shortcut: type) -> None:
    network = shaped("resnet", model_depth=18, resnet_shortcut=kind)
    for number, stage in enumerate((network.layer1, network.layer2, network.layer4)):  # type: ignore[arg-type]
        first, second = stage  # type: ignore[misc]
        assert isinstance(first.downsample, shortcut if number else type(None))
        assert second.downsample is None


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_a_block_without_weights_passes_its_input_on(block: type) -> None:
    made = block(8, 8 // block.expansion, 1, None).eval()
    for parameter in made.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(1, 8, 2, 3, 3)
    given = x.clone()
    assert torch.equal(made(x), given.relu())
    # Another block may read the same input.
    assert torch.equal(x, given)
