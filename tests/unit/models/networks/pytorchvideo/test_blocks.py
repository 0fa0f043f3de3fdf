"""Blocks, stages, stem and head of the networks that follow pytorchvideo."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vcc.models.networks.pytorchvideo.blocks import Branch, Head, ResBlock, ResStage, Stem


class Times(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x


def branch(*factors: float) -> Branch:
    convs = [Times(factor) for factor in factors]
    return Branch(convs, [nn.Identity()] * 3, activation=nn.Identity())


def test_a_branch_cuts_behind_its_first_convolution_alone() -> None:
    x = torch.tensor([-1.0, 2.0])
    assert branch(1, -1, 1)(x).tolist() == [0.0, -2.0]
    assert branch(-1, -1, 1)(x).tolist() == [-1.0, 0.0]


def test_a_block_adds_its_input_or_what_the_shortcut_makes_of_it() -> None:
    x = torch.tensor([1.0, -3.0])
    assert ResBlock(branch(1, 1, 1), None)(x).tolist() == [2.0, 0.0]
    assert ResBlock(branch(1, 1, 1), Times(3))(x).tolist() == [4.0, 0.0]
    assert ResBlock(branch(1, 1, 1), Times(3), Times(2))(x).tolist() == [7.0, 0.0]


def test_a_stage_runs_its_blocks_in_a_row() -> None:
    stage = ResStage([ResBlock(branch(1, 1, 1), None) for _ in range(3)])
    assert stage(torch.tensor([1.0])).tolist() == [8.0]


def test_a_stem_pools_where_it_is_told_to() -> None:
    conv = nn.Conv3d(3, 4, 1)
    x = torch.randn(1, 3, 2, 4, 4)
    assert Stem(conv, 4)(x).shape == (1, 4, 2, 4, 4)
    assert Stem(conv, 4, nn.MaxPool3d(2))(x).shape == (1, 4, 1, 2, 2)


def test_a_head_gives_logits_and_no_probabilities() -> None:
    head = Head(4, 3, pool=nn.AdaptiveAvgPool3d(1), dropout=0.5).eval()
    x = torch.randn(2, 4, 2, 3, 3)
    expected = x.mean((2, 3, 4)) @ head.proj.weight.T + head.proj.bias
    torch.testing.assert_close(head(x), expected)
