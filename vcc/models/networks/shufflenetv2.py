"""3D ShuffleNetV2: names, shapes and outputs of okankop/Efficient-3DCNNs.

Köpüklü et al. 2019, "Resource efficient 3D convolutional neural networks", after Ma et al. 2018.
Half of the channels pass each block as they are, and the halves are shuffled behind it. The widths
are the published ones, which are not torchvision's (2.0: 224 where that has 244).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from vcc.models.layers import ChannelShuffle, ChannelSplit
from vcc.models.network import VideoNetwork, init_weights, pool_features
from vcc.models.networks.resnet import conv1x1x1
from vcc.models.networks.shufflenet import STAGE_BLOCKS, STEM_WIDTH, conv_bn_relu
from vcc.models.spec import ModelSpec


class Widths(NamedTuple):
    """Channels of the three stages, and of the last convolution."""

    stages: tuple[int, int, int]
    last: int


# By width_mult: these and no others are published.
WIDTHS = {
    0.25: Widths((32, 64, 128), 1024),
    0.5: Widths((48, 96, 192), 1024),
    1.0: Widths((116, 232, 464), 1024),
    1.5: Widths((176, 352, 704), 1024),
    2.0: Widths((224, 488, 976), 2048),
}


class ShuffleV2Unit(nn.Module):
    """One half of the channels filtered and the other passed on, or both filtered and subsampled.

    `banch1` and `banch2` are the published names.
    """

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        half = n_out // 2
        self.split: ChannelSplit | None = None
        self.banch1: nn.Module | None = None
        if stride == 1:
            self.split = ChannelSplit(half, half)
            n_in = half
        else:
            self.banch1 = nn.Sequential(*_depthwise(n_in, stride), *_pointwise(n_in, half))
        self.banch2 = nn.Sequential(
            *_pointwise(n_in, half), *_depthwise(half, stride), *_pointwise(half, half)
        )
        self.shuffle = ChannelShuffle(2 * half, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return both halves, shuffled."""
        if self.split is not None:
            passed, x = self.split(x)
        else:
            passed = self.banch1(x)  # type: ignore[misc]
        result: Tensor = self.shuffle(torch.cat([passed, self.banch2(x)], dim=1))
        return result


class ShuffleNetV2(VideoNetwork):
    """conv1 (3x3x3, stride 1,2,2) -> max-pool -> features -> conv_last -> mean -> classifier."""

    head_name = "classifier.1"

    def __init__(self, spec: ModelSpec, *, width_mult: float, dropout: float) -> None:
        super().__init__(spec)
        widths = WIDTHS[width_mult]
        n_in = STEM_WIDTH
        self.conv1 = conv_bn_relu(3, n_in, 3, stride=(1, 2, 2))
        self.maxpool = nn.MaxPool3d(3, stride=2, padding=1)
        blocks: list[nn.Module] = []
        for n_out, repeats in zip(widths.stages, STAGE_BLOCKS, strict=True):
            for index in range(repeats):
                blocks.append(ShuffleV2Unit(n_in, n_out, 2 if index == 0 else 1))
                n_in = n_out
        self.features = nn.Sequential(*blocks)
        self.conv_last = conv_bn_relu(n_in, widths.last, 1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(widths.last, spec.n_classes))
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N,n_classes] for normalised clips [N,3,T,H,W]."""
        x = self.conv_last(self.features(self.maxpool(self.conv1(x))))
        logits: Tensor = self.classifier(pool_features(x))
        return logits


def _pointwise(n_in: int, n_out: int) -> list[nn.Module]:
    return [conv1x1x1(n_in, n_out), nn.BatchNorm3d(n_out), nn.ReLU(inplace=True)]


def _depthwise(n: int, stride: int) -> list[nn.Module]:
    conv = nn.Conv3d(n, n, 3, stride=stride, padding=1, groups=n, bias=False)
    return [conv, nn.BatchNorm3d(n)]
