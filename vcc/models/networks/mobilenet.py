"""3D MobileNet: names, shapes and outputs of okankop/Efficient-3DCNNs.

Köpüklü et al. 2019, "Resource efficient 3D convolutional neural networks", after Howard et al.
2017. Separable convolutions: depthwise 3x3x3, then 1x1x1, each with BatchNorm and ReLU. Fresh
weights are drawn as MobileNetV2's; the published code leaves PyTorch's.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from vcc.models.network import VideoNetwork, init_weights, pool_features
from vcc.models.spec import ModelSpec

STEM_WIDTH = 32


class SeparableStage(NamedTuple):
    """Blocks of one width: channels, how many, and stride of the first."""

    width: int
    blocks: int
    stride: int


STAGES = (
    SeparableStage(64, 1, 2),
    SeparableStage(128, 2, 2),
    SeparableStage(256, 2, 2),
    SeparableStage(512, 6, 2),
    SeparableStage(1024, 2, 1),
)


class SeparableConv(nn.Module):
    """Filter each channel, then mix them."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(n_in, n_in, 3, stride=stride, padding=1, groups=n_in, bias=False)
        self.bn1 = nn.BatchNorm3d(n_in)
        self.conv2 = nn.Conv3d(n_in, n_out, 1, bias=False)
        self.bn2 = nn.BatchNorm3d(n_out)
        self.relu1 = nn.ReLU(inplace=True)
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return [N,n_out,...] of x [N,n_in,...]."""
        x = self.relu1(self.bn1(self.conv1(x)))
        result: Tensor = self.relu2(self.bn2(self.conv2(x)))
        return result


class MobileNet(VideoNetwork):
    """features (stem, 13 separable convolutions) -> mean -> classifier."""

    head_name = "classifier.1"

    def __init__(self, spec: ModelSpec, *, width_mult: float, dropout: float) -> None:
        super().__init__(spec)
        n_in = int(STEM_WIDTH * width_mult)
        stem = nn.Conv3d(3, n_in, 3, stride=(1, 2, 2), padding=1, bias=False)
        features: list[nn.Module] = [
            nn.Sequential(stem, nn.BatchNorm3d(n_in), nn.ReLU(inplace=True))
        ]
        for stage in STAGES:
            n_out = int(stage.width * width_mult)
            for index in range(stage.blocks):
                features.append(SeparableConv(n_in, n_out, stage.stride if index == 0 else 1))
                n_in = n_out
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(n_in, spec.n_classes))
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N,n_classes] for normalised clips [N,3,T,H,W]."""
        logits: Tensor = self.classifier(pool_features(self.features(x)))
        return logits
