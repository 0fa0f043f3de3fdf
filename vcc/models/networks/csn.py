"""3D CSN, channel-separated ResNet: names, shapes and outputs of the thesis's network.

Tran et al. 2019, "Video classification with channel-separated convolutional networks": the
bottleneck's 3x3x3 convolution is depthwise; a 1x1x1 convolution before it keeps the interaction
of channels (ip) or nothing does (ir).
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from vcc.models.network import VideoNetwork, init_weights, pool_features
from vcc.models.networks.resnet import STAGE_STRIDES, STAGE_WIDTHS, conv1x1x1
from vcc.models.spec import ModelSpec

BLOCKS = {26: (1, 2, 4, 1), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


class SeparatedBottleneck(nn.Module):
    """1x1x1, channel-separated 3x3x3, 1x1x1 and a shortcut."""

    expansion: ClassVar[int] = 4

    def __init__(self, n_in: int, width: int, stride: int, model_type: str) -> None:
        super().__init__()
        n_out = width * self.expansion
        self.conv1 = conv1x1x1(n_in, width)
        self.bn1 = nn.BatchNorm3d(width)
        interaction = [conv1x1x1(width, width)] if model_type == "ip" else []
        depthwise = nn.Conv3d(width, width, 3, stride=stride, padding=1, groups=width, bias=False)
        self.conv2 = nn.Sequential(*interaction, depthwise)
        self.bn2 = nn.BatchNorm3d(width)
        self.conv3 = conv1x1x1(width, n_out)
        self.bn3 = nn.BatchNorm3d(n_out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or n_in != n_out:
            self.downsample = nn.Sequential(conv1x1x1(n_in, n_out, stride), nn.BatchNorm3d(n_out))

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(f(x) + shortcut(x))."""
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        result: Tensor = self.relu(out + shortcut)
        return result


class CSN(VideoNetwork):
    """conv1 (3x7x7, stride 1,2,2) -> max-pool (1,3,3) -> layer1..layer4 -> mean -> fc."""

    head_name = "fc"

    def __init__(
        self,
        spec: ModelSpec,
        *,
        model_depth: int,
        model_type: str,
        width_mult: float,
        dropout: float,
    ) -> None:
        super().__init__(spec)
        widths = [int(width * width_mult) for width in STAGE_WIDTHS]
        n_in = widths[0]
        self.conv1 = nn.Conv3d(3, n_in, (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False)
        self.bn1 = nn.BatchNorm3d(n_in)
        self.relu = nn.ReLU(inplace=True)
        self.max_pool = nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))
        stages = []
        for stage, width in enumerate(widths):
            blocks = []
            for index in range(BLOCKS[model_depth][stage]):
                stride = STAGE_STRIDES[stage] if index == 0 else 1
                blocks.append(SeparatedBottleneck(n_in, width, stride, model_type))
                n_in = width * SeparatedBottleneck.expansion
            stages.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(n_in, spec.n_classes)
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N,n_classes] for normalised clips [N,3,T,H,W]."""
        x = self.max_pool(self.relu(self.bn1(self.conv1(x))))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        logits: Tensor = self.fc(self.dropout(pool_features(x)))
        return logits
