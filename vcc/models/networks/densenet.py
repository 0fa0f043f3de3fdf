"""3D DenseNet: names, shapes and outputs of kenshohara/3D-ResNets-PyTorch.

Huang et al. 2017, "Densely connected convolutional networks" (BC): a layer appends `GROWTH`
channels to those before it; transitions halve channels and positions.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn

from vcc.models.network import VideoNetwork, head_of, init_weights, pool_features
from vcc.models.networks.resnet import conv1x1x1, conv3x3x3
from vcc.models.spec import ModelSpec

STEM_WIDTH = 64
GROWTH = 32
# Channels inside a layer, in units of what it appends.
BOTTLENECK = 4
BLOCKS: dict[int, tuple[int, int, int, int]] = {
    121: (6, 12, 24, 16),
    169: (6, 12, 32, 32),
    201: (6, 12, 48, 32),
    264: (6, 12, 64, 48),
}
# Names of the first release, which weights are published of.
_FIRST_RELEASE = (
    (re.compile(r"^features\.(conv|norm)0\."), r"features.\g<1>1."),
    (re.compile(r"\.(conv|norm)\.([12])\."), r".\1\2."),
)


class DenseLayer(nn.Module):
    """1x1x1 and 3x3x3, a BatchNorm and a ReLU in front of each; appended to the input."""

    def __init__(self, n_in: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm3d(n_in)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = conv1x1x1(n_in, BOTTLENECK * growth)
        self.norm2 = nn.BatchNorm3d(BOTTLENECK * growth)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = conv3x3x3(BOTTLENECK * growth, growth)

    def forward(self, x: Tensor) -> Tensor:
        """Return [N,n_in+growth,T,H,W]."""
        new = self.conv1(self.relu1(self.norm1(x)))
        new = self.conv2(self.relu2(self.norm2(new)))
        return torch.cat([x, new], dim=1)


class Halve(nn.Module):
    """The mean of two positions along time, height and width.

    An axis of one position stays as it is, which the published window refuses.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return [N,C,T/2,H/2,W/2], rounded down, each at least 1."""
        window = [min(2, int(size)) for size in x.shape[2:]]
        return nn.functional.avg_pool3d(x, window)


class Transition(nn.Sequential):
    """A 1x1x1 convolution that halves channels, and a mean that halves time and space."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm3d(n_in)
        self.relu = nn.ReLU(inplace=True)
        self.conv = conv1x1x1(n_in, n_out)
        self.pool = Halve()


class DenseNet(VideoNetwork):
    """features (stem, 4 blocks, 3 transitions, norm) -> relu -> mean -> classifier."""

    head_name = "classifier"

    def __init__(
        self, spec: ModelSpec, *, model_depth: int, width_mult: float, dropout: float
    ) -> None:
        super().__init__(spec)
        width, growth = int(STEM_WIDTH * width_mult), int(GROWTH * width_mult)
        features = nn.Sequential()
        features.conv1 = nn.Conv3d(3, width, 7, stride=(1, 2, 2), padding=3, bias=False)
        features.norm1 = nn.BatchNorm3d(width)
        features.relu1 = nn.ReLU(inplace=True)
        features.pool1 = nn.MaxPool3d(3, stride=2, padding=1)
        for number, count in enumerate(BLOCKS[model_depth], start=1):
            block = nn.Sequential()
            for index in range(count):
                block.add_module(f"denselayer{index + 1}", DenseLayer(width, growth))
                width += growth
            features.add_module(f"denseblock{number}", block)
            if number < len(BLOCKS[model_depth]):
                features.add_module(f"transition{number}", Transition(width, width // 2))
                width //= 2
        features.norm5 = nn.BatchNorm3d(width)
        self.features = features
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, spec.n_classes)
        init_weights(self)
        nn.init.zeros_(head_of(self).get_parameter("bias"))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N,n_classes] for normalised clips [N,3,T,H,W]."""
        features = nn.functional.relu(self.features(x))
        logits: Tensor = self.classifier(self.dropout(pool_features(features)))
        return logits

    @classmethod
    def name_today(cls, name: str) -> str:
        """Return the name that a tensor of the first release has today."""
        for pattern, replacement in _FIRST_RELEASE:
            name = pattern.sub(replacement, name)
        return name
