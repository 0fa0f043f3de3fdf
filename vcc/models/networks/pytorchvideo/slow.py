"""Slow: names, shapes and outputs of facebookresearch/pytorchvideo's `slow_r50`.

Feichtenhofer et al. 2019, "SlowFast networks for video recognition", its slow path alone: a ResNet
of bottlenecks that keeps every frame, and looks along time in its last two stages only.
"""

from __future__ import annotations

from torch import nn

from vcc.models.network import init_weights
from vcc.models.networks.pytorchvideo.blocks import (
    BlocksNetwork,
    Branch,
    Head,
    ResBlock,
    ResStage,
    Stem,
)
from vcc.models.networks.resnet import STAGE_STRIDES, STAGE_WIDTHS
from vcc.models.spec import ModelSpec

BLOCKS: dict[int, tuple[int, int, int, int]] = {
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
EXPANSION = 4
# Frames that the first convolution of a block sees, by stage.
FRAMES = (1, 1, 3, 3)


class Slow(BlocksNetwork):
    """Stem (1x7x7, stride 1,2,2; max-pool 1x3x3) -> four stages -> mean -> blocks.5.proj."""

    def __init__(
        self, spec: ModelSpec, *, model_depth: int, width_mult: float, dropout: float
    ) -> None:
        widths = [int(width * width_mult) for width in STAGE_WIDTHS]
        n_in = widths[0]
        conv = nn.Conv3d(3, n_in, (1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3), bias=False)
        pool = nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))
        blocks: list[nn.Module] = [Stem(conv, n_in, pool)]
        stages = zip(BLOCKS[model_depth], widths, STAGE_STRIDES, FRAMES, strict=True)
        for count, width, first, frames in stages:
            stage = []
            for index in range(count):
                stage.append(_block(n_in, width, first if index == 0 else 1, frames))
                n_in = width * EXPANSION
            blocks.append(ResStage(stage))
        mean = nn.AdaptiveAvgPool3d(1)
        super().__init__(spec, [*blocks, Head(n_in, spec.n_classes, pool=mean, dropout=dropout)])
        init_weights(self)


def _block(n_in: int, width: int, stride: int, frames: int) -> ResBlock:
    n_out = width * EXPANSION
    strides = (1, stride, stride)
    convs = (
        nn.Conv3d(n_in, width, (frames, 1, 1), padding=(frames // 2, 0, 0), bias=False),
        nn.Conv3d(width, width, (1, 3, 3), stride=strides, padding=(0, 1, 1), bias=False),
        nn.Conv3d(width, n_out, 1, bias=False),
    )
    norms = [nn.BatchNorm3d(conv.out_channels) for conv in convs]
    branch = Branch(convs, norms, activation=nn.ReLU())
    if n_in == n_out and stride == 1:
        return ResBlock(branch, None)
    shortcut = nn.Conv3d(n_in, n_out, 1, stride=strides, bias=False)
    return ResBlock(branch, shortcut, nn.BatchNorm3d(n_out))
