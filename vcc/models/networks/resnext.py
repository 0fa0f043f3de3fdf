"""3D ResNeXt: names, shapes and outputs of kenshohara/3D-ResNets-PyTorch.

Hara, Kataoka and Satoh 2018, after Xie et al. 2017, "Aggregated residual transformations for deep
neural networks". okankop/Efficient-3DCNNs agrees on all three.
"""

from __future__ import annotations

from functools import partial

from torch import nn

from vcc.models.networks.resnet import STEM_WIDTH, Bottleneck, ResidualNetwork, Stages
from vcc.models.spec import ModelSpec

STAGE_WIDTHS = (128, 256, 512, 1024)
BLOCKS: dict[int, tuple[int, int, int, int]] = {
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
# A block's width over this is how many channels each group of its 3x3x3 convolution has.
WIDTH_OF_GROUP = 32


class ResNeXtBottleneck(Bottleneck):
    """1x1x1, grouped 3x3x3, 1x1x1 and a shortcut.

    Each of the `cardinality` groups has width / 32 channels, at least one.
    """

    expansion = 2

    def __init__(
        self, n_in: int, width: int, stride: int, downsample: nn.Module | None, *, cardinality: int
    ) -> None:
        middle = cardinality * max(1, width // WIDTH_OF_GROUP)
        super().__init__(n_in, width, stride, downsample, middle=middle, groups=cardinality)


class ResNeXt(ResidualNetwork):
    """ResNet's stem, stages and head with grouped bottlenecks."""

    def __init__(
        self,
        spec: ModelSpec,
        *,
        model_depth: int,
        resnet_shortcut: str,
        resnext_cardinality: int,
        width_mult: float,
        dropout: float,
    ) -> None:
        super().__init__(
            spec,
            Stages(
                partial(ResNeXtBottleneck, cardinality=resnext_cardinality),
                ResNeXtBottleneck.expansion,
                BLOCKS[model_depth],
                tuple(int(width * width_mult) for width in STAGE_WIDTHS),
            ),
            stem=int(STEM_WIDTH * width_mult),
            shortcut=resnet_shortcut,
            dropout=dropout,
        )
