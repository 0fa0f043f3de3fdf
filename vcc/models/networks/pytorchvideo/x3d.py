"""X3D: names, shapes and outputs of facebookresearch/pytorchvideo's `x3d_xs`, `x3d_s`, `x3d_m`.

Feichtenhofer 2020, "X3D: expanding architectures for efficient video recognition": bottlenecks
whose middle convolution is depthwise, every second one with squeeze-excitation. Every frame is
kept. XS, S and M are the same layers for clips of different sizes; L has more of them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor, nn

from vcc.models.network import init_weights
from vcc.models.networks.pytorchvideo.blocks import (
    BlocksNetwork,
    Branch,
    Head,
    ResBlock,
    ResStage,
    Stem,
)
from vcc.models.spec import ModelSpec

# Factors on the depths of the smallest network, and on its widths.
DEPTH_FACTORS = {"m": 2.2, "s": 2.2, "xs": 2.2, "l": 5.0}
WIDTH_FACTOR = 2.0
STAGE_BLOCKS = (1, 2, 5, 3)
STAGE_WIDTHS = (12, 24, 48, 96)
STEM_WIDTH = 12
HEAD_WIDTH = 2048
INNER_FACTOR = 2.25
SQUEEZE = 0.0625
_MULTIPLE = 8


def round_width(width: float) -> int:
    """Return the multiple of 8 nearest to a width, at least 8 and 90 % of it."""
    rounded = max(_MULTIPLE, int(width + _MULTIPLE / 2) // _MULTIPLE * _MULTIPLE)
    return rounded + _MULTIPLE if rounded < 0.9 * width else rounded


class _Widths(NamedTuple):
    """Channels of a block: of its input, its middle and its output."""

    n_in: int
    inner: int
    n_out: int


class SqueezeExcitation(nn.Module):
    """Each channel times a gate made of the means of all."""

    def __init__(self, width: int) -> None:
        super().__init__()
        reduced = round_width(width * SQUEEZE)
        self.block = nn.Sequential(
            nn.Conv3d(width, reduced, 1), nn.ReLU(), nn.Conv3d(reduced, width, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return x times its gate, [N,C,T,H,W]."""
        gate: Tensor = self.block(x.mean(dim=(2, 3, 4), keepdim=True))
        return x * gate


class SplitConv(nn.Module):
    """The stem: 1x3x3 over space, then 5x1x1 over the time of each channel.

    In published files the first is called conv_t and the second conv_xy.
    """

    def __init__(self, n_out: int) -> None:
        super().__init__()
        self.conv_t = nn.Conv3d(
            3, n_out, (1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1), bias=False
        )
        self.conv_xy = nn.Conv3d(
            n_out, n_out, (5, 1, 1), padding=(2, 0, 0), groups=n_out, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return [N,n_out,T,H/2,W/2]."""
        out: Tensor = self.conv_xy(self.conv_t(x))
        return out


class ProjectedPool(nn.Module):
    """1x1x1, the mean of all positions, and 1x1x1 to the classifier's features."""

    def __init__(self, widths: _Widths) -> None:
        super().__init__()
        self.pre_conv = nn.Conv3d(widths.n_in, widths.inner, 1, bias=False)
        self.pre_norm = nn.BatchNorm3d(widths.inner)
        self.pre_act = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool3d(1)
        self.post_conv = nn.Conv3d(widths.inner, widths.n_out, 1, bias=False)
        self.post_act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return [N,n_out,1,1,1]."""
        x = self.pool(self.pre_act(self.pre_norm(self.pre_conv(x))))
        out: Tensor = self.post_act(self.post_conv(x))
        return out


class X3D(BlocksNetwork):
    """Stem -> four stages, each of stride 1,2,2 -> 1x1x1, mean, 1x1x1 -> blocks.5.proj."""

    def __init__(
        self, spec: ModelSpec, *, x3d_size: str, width_mult: float, dropout: float
    ) -> None:
        factor = WIDTH_FACTOR * width_mult
        n_in = round_width(STEM_WIDTH * factor)
        blocks: list[nn.Module] = [Stem(SplitConv(n_in), n_in)]
        inner = n_in
        for width, count in zip(STAGE_WIDTHS, STAGE_BLOCKS, strict=True):
            n_out = round_width(width * factor)
            inner = int(INNER_FACTOR * n_out)
            stage = []
            for index in range(math.ceil(DEPTH_FACTORS[x3d_size] * count)):
                stage.append(_block(_Widths(n_in, inner, n_out), index))
                n_in = n_out
            blocks.append(ResStage(stage))
        features = int(HEAD_WIDTH * width_mult)
        pool = ProjectedPool(_Widths(n_in, inner, features))
        blocks.append(Head(features, spec.n_classes, pool=pool, dropout=dropout))
        super().__init__(spec, blocks)
        init_weights(self)


def _block(widths: _Widths, index: int) -> ResBlock:
    """Return a stage's block: the first one halves the size, every second one has a gate."""
    n_in, inner, n_out = widths
    stride = (1, 2, 2) if index == 0 else (1, 1, 1)
    gate = SqueezeExcitation(inner) if index % 2 == 0 else nn.Identity()
    branch = Branch(
        (
            nn.Conv3d(n_in, inner, 1, bias=False),
            nn.Conv3d(inner, inner, 3, stride=stride, padding=1, groups=inner, bias=False),
            nn.Conv3d(inner, n_out, 1, bias=False),
        ),
        (
            nn.BatchNorm3d(inner),
            nn.Sequential(nn.BatchNorm3d(inner), gate),
            nn.BatchNorm3d(n_out),
        ),
        activation=nn.SiLU(),
    )
    if index:
        return ResBlock(branch, None)
    shortcut = nn.Conv3d(n_in, n_out, 1, stride=stride, bias=False)
    return ResBlock(branch, shortcut, None if n_in == n_out else nn.BatchNorm3d(n_out))
