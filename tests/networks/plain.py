"""AlexNet, VGG, MobileNet and ResNeXt-101: networks made of nested nn.Sequential."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from networks.residual import conv

_VGG = {
    16: (1, 1, "M", 2, 2, "M", 2, 2, 2, "M", 3, 3, 3, "M", 3, 3, 3, "M"),
    19: (1, 1, "M", 2, 2, "M", 2, 2, 2, 2, "M", 3, 3, 3, 3, "M", 3, 3, 3, 3, "M"),
}


class FeaturesClassifier(nn.Module):
    """features, flattened, classifier."""

    def __init__(self, features: nn.Sequential, classifier: nn.Module) -> None:
        super().__init__()
        self.features, self.classifier = features, classifier

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.features(x), 1))


def alexnet(*, batchnorm: bool = False, width: int = 8) -> nn.Module:
    """Return AlexNet: features 0, 3, 6, 8, 10 and classifier 1, 4, 6 hold the weights."""
    features: list[nn.Module] = []
    n_in = 3
    for number, n_out in enumerate((width, 2 * width, 3 * width, 2 * width, 2 * width)):
        features.append(nn.Conv2d(n_in, n_out, 3, padding=1, bias=not batchnorm))
        features += [nn.BatchNorm2d(n_out)] if batchnorm else []
        features.append(nn.ReLU(inplace=True))
        features += [nn.MaxPool2d(2)] if number in (0, 1, 4) else []
        n_in = n_out
    classifier = nn.Sequential(
        nn.Dropout(),
        nn.Linear(n_in * 16, 32),
        nn.ReLU(inplace=True),
        nn.Dropout(),
        nn.Linear(32, 32),
        nn.ReLU(inplace=True),
        nn.Linear(32, 10),
    )
    return FeaturesClassifier(nn.Sequential(*features), classifier)


def vgg(*, depth: int, width: int = 10) -> nn.Module:
    """Return VGG-16 for CIFAR-10 (one linear layer) or VGG-19 (three)."""
    features: list[nn.Module] = []
    n_in = 3
    for item in _VGG[depth]:
        if item == "M":
            features.append(nn.MaxPool2d(2))
            continue
        n_out = width * int(item)
        features += [nn.Conv2d(n_in, n_out, 3, padding=1), nn.ReLU(inplace=True)]
        n_in = n_out
    head: nn.Module = nn.Linear(n_in, 10)
    if depth == 19:
        head = nn.Sequential(
            nn.Linear(n_in, 32),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(32, 32),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(32, 10),
        )
    return FeaturesClassifier(nn.Sequential(*features), head)


class MobileNet(nn.Module):
    """model.0 (conv, bn, relu), model.1..13 (depthwise and pointwise), model.14 (pool), fc."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width * i for i in (1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 4, 4)]
        blocks: list[nn.Module] = [
            nn.Sequential(conv(3, widths[0], 3, 2), nn.BatchNorm2d(widths[0]), nn.ReLU(True))
        ]
        for number, (n_in, n_out) in enumerate(zip(widths, widths[1:], strict=False)):
            stride = 2 if number in (1, 3, 5) else 1
            blocks.append(
                nn.Sequential(
                    conv(n_in, n_in, 3, stride, groups=n_in),
                    nn.BatchNorm2d(n_in),
                    nn.ReLU(inplace=True),
                    conv(n_in, n_out, 1),
                    nn.BatchNorm2d(n_out),
                    nn.ReLU(inplace=True),
                )
            )
        self.model = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1))
        self.fc = nn.Linear(widths[-1], 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.flatten(self.model(x), 1))


def mobilenet(width: int = 8) -> nn.Module:
    """Return MobileNet (the first version)."""
    return MobileNet(width)


class _Both(nn.Sequential):
    """Applies each child to the same input: the two paths of a residual block."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [child(x) for child in self]


class _Sum(nn.Module):
    def forward(self, parts: list[Tensor]) -> Tensor:
        return parts[0] + parts[1]


def _next_block(n_in: int, width: int, stride: int) -> nn.Module:
    n_out = 2 * width
    path = nn.Sequential(
        conv(n_in, width, 1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        conv(width, width, 3, stride, groups=4),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    )
    main = nn.Sequential(path, conv(width, n_out, 1), nn.BatchNorm2d(n_out))
    shortcut: nn.Module = nn.Identity()
    if stride != 1 or n_in != n_out:
        shortcut = nn.Sequential(conv(n_in, n_out, 1, stride), nn.BatchNorm2d(n_out))
    return nn.Sequential(_Both(main, shortcut), _Sum(), nn.ReLU())


class ResNeXt(nn.Module):
    """features (0 conv, 1 bn, 2 relu, 3 pool, 4 to 7 stages) and last_linear."""

    def __init__(self, width: int) -> None:
        super().__init__()
        features: list[nn.Module] = [
            conv(3, width, 3),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        n_in = width
        for stage, count in enumerate((3, 4, 23, 3)):
            blocks = []
            for index in range(count):
                blocks.append(_next_block(n_in, width, 2 if stage and index == 0 else 1))
                n_in = 2 * width
            features.append(nn.Sequential(*blocks))
        self.features = nn.Sequential(*features)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.last_linear = nn.Linear(n_in, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.last_linear(torch.flatten(self.avgpool(self.features(x)), 1))


def resnext101(width: int = 8) -> nn.Module:
    """Return ResNeXt-101 with the names of the model zoo that Distiller took it from."""
    return ResNeXt(width)
