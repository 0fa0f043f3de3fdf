"""3D ShuffleNet: names, shapes and outputs of okankop/Efficient-3DCNNs.

Köpüklü et al. 2019, "Resource efficient 3D convolutional neural networks", after Zhang et al. 2018.
Grouped 1x1x1 convolutions around a depthwise one, and a shuffle of channels, so that groups learn
of each other. A block that subsamples appends its pooled input instead of adding it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcc.errors import ModelError
from vcc.models.layers import ChannelShuffle
from vcc.models.network import VideoNetwork, init_weights, pool_features
from vcc.models.networks.resnet import conv1x1x1
from vcc.models.spec import ModelSpec

STEM_WIDTH = 24
# Number of groups to channels of the three stages.
STAGE_WIDTHS = {
    1: (144, 288, 567),
    2: (200, 400, 800),
    3: (240, 480, 960),
    4: (272, 544, 1088),
    8: (384, 768, 1536),
}
STAGE_BLOCKS = (4, 8, 4)


class PooledShortcut(nn.Module):
    """The mean over 2x3x3 of every second position, zeros around frames counted, as published.

    Of an odd number of frames, which the published code cannot take, the last is its own mean.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return [N,C,ceil(T/2),ceil(H/2),ceil(W/2)]."""
        if x.shape[2] % 2:
            x = F.pad(x, (0, 0, 0, 0, 0, 1), mode="replicate")
        if min(x.shape[3:]) < 3:
            # PyTorch pools nothing smaller than the window, whatever the padding.
            return F.avg_pool3d(F.pad(x, (1, 1, 1, 1)), (2, 3, 3), stride=2)
        return F.avg_pool3d(x, (2, 3, 3), stride=2, padding=(0, 1, 1))


class ShuffleUnit(nn.Module):
    """Grouped 1x1x1, shuffle, depthwise 3x3x3, grouped 1x1x1, and the input added or appended."""

    def __init__(self, n_in: int, n_out: int, stride: int, groups: int) -> None:
        super().__init__()
        self.stride = stride
        middle = n_out // 4
        # The published rule: the full-width stem is too narrow for groups.
        first_groups = 1 if n_in == STEM_WIDTH else groups
        written = n_out - n_in if stride == 2 else n_out
        _refuse_unequal(((n_in, first_groups), (middle, groups), (written, groups)))
        self.conv1 = conv1x1x1(n_in, middle, groups=first_groups)
        self.bn1 = nn.BatchNorm3d(middle)
        self.shuffle = ChannelShuffle(middle, groups)
        self.conv2 = nn.Conv3d(
            middle, middle, 3, stride=stride, padding=1, groups=middle, bias=False
        )
        self.bn2 = nn.BatchNorm3d(middle)
        self.conv3 = conv1x1x1(middle, written, groups=groups)
        self.bn3 = nn.BatchNorm3d(written)
        self.relu = nn.ReLU(inplace=True)
        if stride == 2:
            self.shortcut = PooledShortcut()

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(f(x) + x), or with stride 2 relu of f(x) and the pooled x, concatenated."""
        out = self.shuffle(self.relu(self.bn1(self.conv1(x))))
        out = self.bn3(self.conv3(self.bn2(self.conv2(out))))
        if self.stride == 2:
            result: Tensor = self.relu(torch.cat([out, self.shortcut(x)], dim=1))
        else:
            result = self.relu(out + x)
        return result


class ShuffleNet(VideoNetwork):
    """conv1 (3x3x3, stride 1,2,2) -> max-pool -> layer1..layer3 -> mean -> classifier."""

    head_name = "classifier.1"

    def __init__(self, spec: ModelSpec, *, groups: int, width_mult: float, dropout: float) -> None:
        super().__init__(spec)
        n_in = int(STEM_WIDTH * width_mult)
        self.conv1 = conv_bn_relu(3, n_in, 3, stride=(1, 2, 2))
        self.maxpool = nn.MaxPool3d(3, stride=2, padding=1)
        stages = []
        for width, blocks in zip(STAGE_WIDTHS[groups], STAGE_BLOCKS, strict=True):
            n_out = int(width * width_mult)
            units = []
            for index in range(blocks):
                units.append(ShuffleUnit(n_in, n_out, 2 if index == 0 else 1, groups))
                n_in = n_out
            stages.append(nn.Sequential(*units))
        self.layer1, self.layer2, self.layer3 = stages
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(n_in, spec.n_classes))
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N,n_classes] for normalised clips [N,3,T,H,W]."""
        x = self.maxpool(self.conv1(x))
        for stage in (self.layer1, self.layer2, self.layer3):
            x = stage(x)
        logits: Tensor = self.classifier(pool_features(x))
        return logits


def conv_bn_relu(
    n_in: int, n_out: int, kernel: int, *, stride: int | tuple[int, int, int] = 1
) -> nn.Sequential:
    """Return a padded convolution without bias, its BatchNorm and a ReLU."""
    conv = nn.Conv3d(n_in, n_out, kernel, stride=stride, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm3d(n_out), nn.ReLU(inplace=True))


def _refuse_unequal(widths: tuple[tuple[int, int], ...]) -> None:
    """Refuse widths that do not divide into the number of groups beside them."""
    for width, groups in widths:
        if width % groups:
            msg = (
                f"shufflenet: {width} channels do not divide into {groups} groups: choose another "
                "width_mult, or fewer groups"
            )
            raise ModelError(msg)
