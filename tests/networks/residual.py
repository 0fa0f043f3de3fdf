"""ResNets as Distiller has them for CIFAR-10, and as torchvision has them for ImageNet."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def conv(n_in: int, n_out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """Return a padded convolution without bias."""
    padding = kernel // 2
    return nn.Conv2d(n_in, n_out, kernel, stride, padding, groups=groups, bias=False)


class Block(nn.Module):
    """conv1, conv2 and a shortcut, with a ReLU module of its own behind each convolution."""

    def __init__(self, n_in: int, width: int, stride: int, *, shortcut: bool = True) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(n_in, width, 3, stride), nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU(inplace=False)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU(inplace=False)
        self.has_shortcut = shortcut
        self.downsample = None
        if shortcut and (stride != 1 or n_in != width):
            self.downsample = nn.Sequential(conv(n_in, width, 1, stride), nn.BatchNorm2d(width))
        self.n_out = width

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        if self.has_shortcut:
            out = out + (x if self.downsample is None else self.downsample(x))
        return self.relu2(out)


class Bottleneck(nn.Module):
    """conv1 1x1, conv2 3x3, conv3 1x1 and a shortcut."""

    def __init__(self, n_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.n_out = 2 * width
        self.conv1, self.bn1 = conv(n_in, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = conv(width, self.n_out, 1), nn.BatchNorm2d(self.n_out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or n_in != self.n_out:
            self.downsample = nn.Sequential(
                conv(n_in, self.n_out, 1, stride), nn.BatchNorm2d(self.n_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(out)))))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """conv1, bn1, relu, layer1.. and fc; `max_pool` for the ImageNet form."""

    def __init__(self, stages: list[nn.Sequential], width: int, *, max_pool: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(3, width, 3), nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1) if max_pool else nn.Identity()
        for number, stage in enumerate(stages, start=1):
            self.add_module(f"layer{number}", stage)
        self.n_stages = len(stages)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(stages[-1][-1].n_out, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for number in range(1, self.n_stages + 1):
            x = self.get_submodule(f"layer{number}")(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


def cifar_resnet(*, blocks: int, shortcut: bool = True, width: int = 8) -> nn.Module:
    """Return ResNet-20 (3 blocks), ResNet-56 (9) or, without shortcuts, Plain-20."""
    stages, n_in = [], width
    for stage in range(3):
        n_out = width * 2**stage
        made = [
            Block(n_in if i == 0 else n_out, n_out, 2 if stage and i == 0 else 1, shortcut=shortcut)
            for i in range(blocks)
        ]
        stages.append(nn.Sequential(*made))
        n_in = n_out
    return ResNet(stages, width, max_pool=False)


def imagenet_resnet(*, depth: int, width: int = 8) -> nn.Module:
    """Return ResNet-18 or ResNet-50 with torchvision's names."""
    counts = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}[depth]
    stages, n_in = [], width
    for stage, count in enumerate(counts):
        made: list[nn.Module] = []
        for i in range(count):
            kind = Block if depth == 18 else Bottleneck
            made.append(kind(n_in, width * (1 + stage), 2 if stage and i == 0 else 1))
            n_in = made[-1].n_out
        stages.append(nn.Sequential(*made))
    return ResNet(stages, width, max_pool=True)
