"""Pre-activation 3D ResNet: names, shapes and outputs of kenshohara/3D-ResNets-PyTorch.

He et al. 2016, "Identity mappings in deep residual networks": BatchNorm and ReLU stand in front of
each convolution, and nothing behind the sum. The published network has none in front of its head
either.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from vcc.models.networks.resnet import ResNet, conv1x1x1, conv3x3x3


class PreActivationBasicBlock(nn.Module):
    """Two 3x3x3 convolutions and a shortcut: the block of depth 10, 18 and 34."""

    expansion: ClassVar[int] = 1

    def __init__(self, n_in: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm3d(n_in)
        self.conv1 = conv3x3x3(n_in, width, stride)
        self.bn2 = nn.BatchNorm3d(width)
        self.conv2 = conv3x3x3(width, width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """Return f(x) + shortcut(x)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.conv1(self.relu(self.bn1(x)))
        out = self.conv2(self.relu(self.bn2(out)))
        result: Tensor = out + shortcut
        return result


class PreActivationBottleneck(nn.Module):
    """1x1x1, 3x3x3, 1x1x1 and a shortcut: the block of depth 50 and more."""

    expansion: ClassVar[int] = 4

    def __init__(self, n_in: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm3d(n_in)
        self.conv1 = conv1x1x1(n_in, width)
        self.bn2 = nn.BatchNorm3d(width)
        self.conv2 = conv3x3x3(width, width, stride)
        self.bn3 = nn.BatchNorm3d(width)
        self.conv3 = conv1x1x1(width, width * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """Return f(x) + shortcut(x)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.conv1(self.relu(self.bn1(x)))
        out = self.conv2(self.relu(self.bn2(out)))
        out = self.conv3(self.relu(self.bn3(out)))
        result: Tensor = out + shortcut
        return result


class PreActResNet(ResNet):
    """ResNet's stem, stages and head with pre-activation blocks."""

    basic = PreActivationBasicBlock
    bottleneck = PreActivationBottleneck
