"""3D ResNet: names, shapes and outputs of kenshohara/3D-ResNets-PyTorch.

Hara, Kataoka and Satoh 2018, "Can spatiotemporal 3D CNNs retrace the history of 2D CNNs and
ImageNet?". Its old and new releases and okankop/Efficient-3DCNNs agree on all three.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple, Protocol

from torch import Tensor, nn

from vcc.models.layers import ChannelPad
from vcc.models.network import VideoNetwork, init_weights, pool_features
from vcc.models.spec import ModelSpec

STEM_WIDTH = 64
STAGE_WIDTHS = (64, 128, 256, 512)
STAGE_STRIDES = (1, 2, 2, 2)


def conv3x3x3(n_in: int, n_out: int, stride: int = 1, *, groups: int = 1) -> nn.Conv3d:
    """Return a padded convolution without bias."""
    return nn.Conv3d(n_in, n_out, 3, stride=stride, padding=1, groups=groups, bias=False)


def conv1x1x1(n_in: int, n_out: int, stride: int = 1, *, groups: int = 1) -> nn.Conv3d:
    """Return a pointwise convolution without bias."""
    return nn.Conv3d(n_in, n_out, 1, stride=stride, groups=groups, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3x3 convolutions and a shortcut: the block of ResNet-10, 18 and 34."""

    expansion: ClassVar[int] = 1

    def __init__(self, n_in: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = conv3x3x3(n_in, width, stride)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = conv3x3x3(width, width)
        self.bn2 = nn.BatchNorm3d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(f(x) + shortcut(x))."""
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        result: Tensor = self.relu(out + shortcut)
        return result


class Bottleneck(nn.Module):
    """1x1x1, 3x3x3, 1x1x1 and a shortcut: the block of ResNet-50 and deeper.

    Args:
        n_in: channels of the input.
        width: channels of the output, divided by `expansion`.
        stride: of the 3x3x3 convolution.
        downsample: the shortcut; None: the input as it is.
        middle: channels of the 3x3x3 convolution; None: `width`.
        groups: of the 3x3x3 convolution.
    """

    expansion: ClassVar[int] = 4

    def __init__(
        self,
        n_in: int,
        width: int,
        stride: int,
        downsample: nn.Module | None,
        *,
        middle: int | None = None,
        groups: int = 1,
    ) -> None:
        super().__init__()
        middle = width if middle is None else middle
        self.conv1 = conv1x1x1(n_in, middle)
        self.bn1 = nn.BatchNorm3d(middle)
        self.conv2 = conv3x3x3(middle, middle, stride, groups=groups)
        self.bn2 = nn.BatchNorm3d(middle)
        self.conv3 = conv1x1x1(middle, width * self.expansion)
        self.bn3 = nn.BatchNorm3d(width * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(f(x) + shortcut(x))."""
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        result: Tensor = self.relu(out + shortcut)
        return result


class BlockClass(Protocol):
    """A class of blocks: an block's output has width x expansion channels."""

    @property
    def expansion(self) -> int:
        """Output channels over the width."""

    def __call__(
        self, n_in: int, width: int, stride: int, downsample: nn.Module | None, /
    ) -> nn.Module:
        """Return a block."""


BLOCKS: dict[int, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, int, int, int]]] = {
    10: (BasicBlock, (1, 1, 1, 1)),
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
    200: (Bottleneck, (3, 24, 36, 3)),
}


class Stages(NamedTuple):
    """What layer1 to layer4 are made of.

    Attributes:
        block: makes one from its input's channels, its width, its stride and its shortcut.
        expansion: a block's output channels are its width times this.
        counts: blocks of each stage.
        widths: of each stage's blocks.
    """

    block: Callable[[int, int, int, nn.Module | None], nn.Module]
    expansion: int
    counts: tuple[int, int, int, int]
    widths: tuple[int, ...]


class ResidualNetwork(VideoNetwork):
    """conv1 (7x7x7, stride 1,2,2) -> max-pool -> layer1..layer4 -> mean -> fc.

    A subclass may have another stem (`make_stem`, `run_stem`).

    Args:
        spec: how it was asked for.
        stages: what is between the stem and the head.
        stem: channels of the stem's output.
        shortcut: A or B, where a block changes the shape.
        dropout: share of the head's inputs.
    """

    head_name = "fc"

    def __init__(
        self, spec: ModelSpec, stages: Stages, *, stem: int, shortcut: str, dropout: float
    ) -> None:
        super().__init__(spec)
        self.make_stem(stem)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool3d(3, stride=2, padding=1)
        n_in = stem
        layers = []
        for count, width, first in zip(stages.counts, stages.widths, STAGE_STRIDES, strict=True):
            blocks = []
            for index in range(count):
                stride = first if index == 0 else 1
                n_out = width * stages.expansion
                blocks.append(
                    stages.block(n_in, width, stride, _shortcut(shortcut, n_in, n_out, stride))
                )
                n_in = n_out
            layers.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = layers
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(n_in, spec.n_classes)
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N,n_classes] for normalised clips [N,3,T,H,W]."""
        x = self.maxpool(self.run_stem(x))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        logits: Tensor = self.fc(self.dropout(pool_features(x)))
        return logits

    def make_stem(self, n_out: int) -> None:
        """Add the layers in front of the max-pool, which give `n_out` channels."""
        self.conv1 = nn.Conv3d(3, n_out, 7, stride=(1, 2, 2), padding=3, bias=False)
        self.bn1 = nn.BatchNorm3d(n_out)

    def run_stem(self, x: Tensor) -> Tensor:
        """Return [N,n_out,T,H/2,W/2] of clips."""
        features: Tensor = self.relu(self.bn1(self.conv1(x)))
        return features


class ResNet(ResidualNetwork):
    """A network of basic blocks (depth 10, 18, 34) or bottlenecks.

    Attributes:
        basic, bottleneck: what takes their place.
    """

    basic: ClassVar[BlockClass] = BasicBlock
    bottleneck: ClassVar[BlockClass] = Bottleneck

    def __init__(
        self,
        spec: ModelSpec,
        *,
        model_depth: int,
        resnet_shortcut: str,
        width_mult: float,
        dropout: float,
    ) -> None:
        plain, counts = BLOCKS[model_depth]
        block = self.basic if plain is BasicBlock else self.bottleneck
        widths = tuple(int(width * width_mult) for width in STAGE_WIDTHS)
        super().__init__(
            spec,
            Stages(block, block.expansion, counts, widths),
            stem=int(STEM_WIDTH * width_mult),
            shortcut=resnet_shortcut,
            dropout=dropout,
        )


def _shortcut(kind: str, n_in: int, n_out: int, stride: int) -> nn.Module | None:
    if stride == 1 and n_in == n_out:
        return None
    if kind == "A":
        return ChannelPad(n_in, n_out, stride=stride)
    return nn.Sequential(conv1x1x1(n_in, n_out, stride), nn.BatchNorm3d(n_out))
