"""3D MobileNetV2: names, shapes and outputs of okankop/Efficient-3DCNNs.

Köpüklü et al. 2019, "Resource efficient 3D convolutional neural networks", after Sandler et al.
2018. Inverted residuals: 1x1x1 expansion, depthwise 3x3x3, linear 1x1x1 projection.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from vcc.models.network import VideoNetwork, head_of, init_weights, pool_features
from vcc.models.spec import ModelSpec

STEM_WIDTH = 32
LAST_WIDTH = 1280


class Stage(NamedTuple):
    """Blocks of one width: expansion factor, channels, how many, and stride of the first."""

    expansion: int
    width: int
    blocks: int
    stride: int


STAGES = (
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 32, 3, 2),
    Stage(6, 64, 4, 2),
    Stage(6, 96, 3, 1),
    Stage(6, 160, 3, 2),
    Stage(6, 320, 1, 1),
)


def _conv_bn(
    n_in: int, n_out: int, kernel: int, *, stride: int | tuple[int, int, int] = 1, groups: int = 1
) -> list[nn.Module]:
    padding = kernel // 2
    conv = nn.Conv3d(n_in, n_out, kernel, stride=stride, padding=padding, groups=groups, bias=False)
    return [conv, nn.BatchNorm3d(n_out)]


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; the input is added where shapes agree."""

    def __init__(self, n_in: int, n_out: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = n_in * expansion
        self.use_res_connect = stride == 1 and n_in == n_out
        expand = [] if expansion == 1 else [*_conv_bn(n_in, hidden, 1), nn.ReLU6(inplace=True)]
        self.conv = nn.Sequential(
            *expand,
            *_conv_bn(hidden, hidden, 3, stride=stride, groups=hidden),
            nn.ReLU6(inplace=True),
            *_conv_bn(hidden, n_out, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return f(x), plus x where the block is residual."""
        out: Tensor = self.conv(x)
        return x + out if self.use_res_connect else out


class MobileNetV2(VideoNetwork):
    """features (stem, 17 inverted residuals, 1x1x1) -> mean -> classifier."""

    head_name = "classifier.1"

    def __init__(self, spec: ModelSpec, *, width_mult: float, dropout: float) -> None:
        super().__init__(spec)
        n_in = int(STEM_WIDTH * width_mult)
        last = int(LAST_WIDTH * max(1.0, width_mult))
        stem = _conv_bn(3, n_in, 3, stride=(1, 2, 2))
        features: list[nn.Module] = [nn.Sequential(*stem, nn.ReLU6(inplace=True))]
        for stage in STAGES:
            n_out = int(stage.width * width_mult)
            for index in range(stage.blocks):
                stride = stage.stride if index == 0 else 1
                features.append(InvertedResidual(n_in, n_out, stride, stage.expansion))
                n_in = n_out
        features.append(nn.Sequential(*_conv_bn(n_in, last, 1), nn.ReLU6(inplace=True)))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(last, spec.n_classes))
        init_weights(self)
        nn.init.normal_(head_of(self).weight, std=0.01)
        nn.init.zeros_(head_of(self).get_parameter("bias"))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N,n_classes] for normalised clips [N,3,T,H,W]."""
        logits: Tensor = self.classifier(pool_features(self.features(x)))
        return logits
