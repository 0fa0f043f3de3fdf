"""R(2+1)D: names, shapes and outputs of kenshohara/3D-ResNets-PyTorch.

Tran et al. 2018, "A closer look at spatiotemporal convolutions for action recognition": each 3-D
convolution of a ResNet becomes one over space and one over time, with a BatchNorm and a ReLU in
between, and as many channels there as keep the number of weights.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from vcc.models.networks.resnet import ResNet, conv1x1x1


def middle_width(n_in: int, n_out: int, *, space: int = 3, time: int = 3) -> int:
    """Return the channels between the two convolutions that stand for one of `space` and `time`.

    The two have at most its weights.
    """
    whole = n_in * n_out * time * space**2
    return max(1, whole // (n_in * space**2 + time * n_out))


def over_space(n_in: int, n_out: int, stride: int = 1) -> nn.Conv3d:
    """Return a padded 1x3x3 convolution without bias."""
    return nn.Conv3d(
        n_in, n_out, (1, 3, 3), stride=(1, stride, stride), padding=(0, 1, 1), bias=False
    )


def over_time(n_in: int, n_out: int, stride: int = 1) -> nn.Conv3d:
    """Return a padded 3x1x1 convolution without bias."""
    return nn.Conv3d(n_in, n_out, (3, 1, 1), stride=(stride, 1, 1), padding=(1, 0, 0), bias=False)


class SplitBasicBlock(nn.Module):
    """Two pairs of convolutions and a shortcut: the block of R(2+1)D-10, 18 and 34."""

    expansion: ClassVar[int] = 1

    def __init__(self, n_in: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        first, second = middle_width(n_in, width), middle_width(width, width)
        self.conv1_s = over_space(n_in, first, stride)
        self.bn1_s = nn.BatchNorm3d(first)
        self.conv1_t = over_time(first, width, stride)
        self.bn1_t = nn.BatchNorm3d(width)
        self.conv2_s = over_space(width, second)
        self.bn2_s = nn.BatchNorm3d(second)
        self.conv2_t = over_time(second, width)
        self.bn2_t = nn.BatchNorm3d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(f(x) + shortcut(x))."""
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1_s(self.conv1_s(x)))
        out = self.relu(self.bn1_t(self.conv1_t(out)))
        out = self.relu(self.bn2_s(self.conv2_s(out)))
        out = self.bn2_t(self.conv2_t(out))
        result: Tensor = self.relu(out + shortcut)
        return result


class SplitBottleneck(nn.Module):
    """1x1x1, a pair of convolutions, 1x1x1 and a shortcut: the block from 50 layers on."""

    expansion: ClassVar[int] = 4

    def __init__(self, n_in: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        middle = middle_width(width, width)
        self.conv1 = conv1x1x1(n_in, width)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2_s = over_space(width, middle, stride)
        self.bn2_s = nn.BatchNorm3d(middle)
        self.conv2_t = over_time(middle, width, stride)
        self.bn2_t = nn.BatchNorm3d(width)
        self.conv3 = conv1x1x1(width, width * self.expansion)
        self.bn3 = nn.BatchNorm3d(width * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(f(x) + shortcut(x))."""
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2_s(self.conv2_s(out)))
        out = self.relu(self.bn2_t(self.conv2_t(out)))
        out = self.bn3(self.conv3(out))
        result: Tensor = self.relu(out + shortcut)
        return result


class R2Plus1D(ResNet):
    """ResNet's frame with split convolutions; conv1_s (1x7x7) and conv1_t (7x1x1) are its stem."""

    basic = SplitBasicBlock
    bottleneck = SplitBottleneck

    def make_stem(self, n_out: int) -> None:
        """Add the pair of convolutions that stands for ResNet's first."""
        middle = middle_width(3, n_out, space=7, time=7)
        self.conv1_s = nn.Conv3d(
            3, middle, (1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3), bias=False
        )
        self.bn1_s = nn.BatchNorm3d(middle)
        self.conv1_t = nn.Conv3d(middle, n_out, (7, 1, 1), padding=(3, 0, 0), bias=False)
        self.bn1_t = nn.BatchNorm3d(n_out)

    def run_stem(self, x: Tensor) -> Tensor:
        """Return [N,n_out,T,H/2,W/2] of clips."""
        x = self.relu(self.bn1_s(self.conv1_s(x)))
        features: Tensor = self.relu(self.bn1_t(self.conv1_t(x)))
        return features
