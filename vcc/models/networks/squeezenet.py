"""3D SqueezeNet: names, shapes and outputs of okankop/Efficient-3DCNNs.

Köpüklü et al. 2019, "Resource efficient 3D convolutional neural networks", after Iandola et al.
2016. Fire modules: a 1x1x1 squeeze, then 1x1x1 and 3x3x3 filters beside each other; every second
one adds its input. The classifier is a convolution, and a ReLU stands behind it: no logit is
below zero.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vcc.models.network import VideoNetwork, init_weights, pool_features
from vcc.models.spec import ModelSpec

# Stem: channels and kernel by version.
STEMS = {1.0: (96, 7), 1.1: (64, 3)}
# Squeeze and expand (of each kind) channels of the fire modules; the version says where the last
# pooling stands: behind so many of them.
FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
POOLED_AFTER = {1.0: (2, 4, 7), 1.1: (2, 4, 6)}


class Fire(nn.Module):
    """Squeeze, then two kinds of filters side by side; with a bypass the input is added."""

    def __init__(self, n_in: int, squeeze: int, expand: int, *, use_bypass: bool) -> None:
        super().__init__()
        self.use_bypass = use_bypass
        self.relu = nn.ReLU(inplace=True)
        self.squeeze = nn.Conv3d(n_in, squeeze, 1)
        self.squeeze_bn = nn.BatchNorm3d(squeeze)
        self.expand1x1 = nn.Conv3d(squeeze, expand, 1)
        self.expand1x1_bn = nn.BatchNorm3d(expand)
        self.expand3x3 = nn.Conv3d(squeeze, expand, 3, padding=1)
        self.expand3x3_bn = nn.BatchNorm3d(expand)

    def forward(self, x: Tensor) -> Tensor:
        """Return relu of both expansions, concatenated, plus x where there is a bypass."""
        squeezed = self.relu(self.squeeze_bn(self.squeeze(x)))
        pointwise = self.expand1x1_bn(self.expand1x1(squeezed))
        spatial = self.expand3x3_bn(self.expand3x3(squeezed))
        out = torch.cat([pointwise, spatial], dim=1)
        result: Tensor = self.relu(out + x if self.use_bypass else out)
        return result


class SqueezeNet(VideoNetwork):
    """features (stem, pooling, 8 fire modules) -> 1x1x1 classifier -> ReLU -> mean.

    The published code averages over the size that its options name; over the whole, as here, is
    the same there, and right for clips of any size.
    """

    head_name = "classifier.1"

    def __init__(
        self, spec: ModelSpec, *, version: float, width_mult: float, dropout: float
    ) -> None:
        super().__init__(spec)
        width, kernel = STEMS[version]
        n_in = int(width * width_mult)
        features: list[nn.Module] = [
            nn.Conv3d(3, n_in, kernel, stride=(1, 2, 2), padding=kernel // 2),
            nn.BatchNorm3d(n_in),
            nn.ReLU(inplace=True),
            _pooling(),
        ]
        for number, (squeeze, expand) in enumerate(FIRES):
            widths = int(squeeze * width_mult), int(expand * width_mult)
            features.append(Fire(n_in, *widths, use_bypass=number % 2 == 1))
            n_in = 2 * widths[1]
            if number + 1 in POOLED_AFTER[version]:
                features.append(_pooling())
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Conv3d(n_in, spec.n_classes, 1), nn.ReLU(inplace=True)
        )
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N,n_classes], none below zero, for normalised clips [N,3,T,H,W]."""
        return pool_features(self.classifier(self.features(x)))


def _pooling() -> nn.MaxPool3d:
    return nn.MaxPool3d(3, stride=2, padding=1)
