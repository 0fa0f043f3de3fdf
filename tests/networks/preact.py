"""Pre-activation ResNets as Distiller has them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from networks.residual import conv


class PreactBlock(nn.Module):
    """pre_bn, pre_relu, conv1, bn, relu, conv2 and a shortcut."""

    def __init__(self, n_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.pre_bn, self.pre_relu = nn.BatchNorm2d(n_in), nn.ReLU(inplace=False)
        self.conv1, self.bn = conv(n_in, width, 3, stride), nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=False)
        self.conv2 = conv(width, width, 3)
        self.downsample = None
        if stride != 1 or n_in != width:
            self.downsample = nn.Sequential(conv(n_in, width, 1, stride), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        active = self.pre_relu(self.pre_bn(x))
        out = self.conv2(self.relu(self.bn(self.conv1(active))))
        return out + (x if self.downsample is None else self.downsample(active))


class PreactResNet(nn.Module):
    """conv1, layer1.., final_bn, final_relu, fc; the ImageNet form has bn1, relu1 and a pool."""

    def __init__(self, counts: tuple[int, ...], width: int, *, stem: bool) -> None:
        super().__init__()
        self.conv1 = conv(3, width, 3)
        self.has_stem = stem
        if stem:
            self.bn1, self.relu1 = nn.BatchNorm2d(width), nn.ReLU(inplace=True)
            self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        n_in = width
        for number, count in enumerate(counts, start=1):
            n_out = width * number
            made = [
                PreactBlock(n_in if i == 0 else n_out, n_out, 2 if number > 1 and i == 0 else 1)
                for i in range(count)
            ]
            self.add_module(f"layer{number}", nn.Sequential(*made))
            n_in = n_out
        self.n_stages = len(counts)
        self.final_bn, self.final_relu = nn.BatchNorm2d(n_in), nn.ReLU(inplace=True)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(n_in, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        if self.has_stem:
            x = self.maxpool(self.relu1(self.bn1(x)))
        for number in range(1, self.n_stages + 1):
            x = self.get_submodule(f"layer{number}")(x)
        return self.fc(torch.flatten(self.avgpool(self.final_relu(self.final_bn(x))), 1))


def preact_cifar(width: int = 8) -> nn.Module:
    """Return the pre-activation ResNet-20."""
    return PreactResNet((3, 3, 3), width, stem=False)


def preact_imagenet(width: int = 8) -> nn.Module:
    """Return the pre-activation ResNet-18."""
    return PreactResNet((2, 2, 2, 2), width, stem=True)
