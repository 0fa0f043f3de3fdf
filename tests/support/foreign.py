"""A package from outside the repository that builds networks, written to a folder on the path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

PACKAGE = "foreign_nets"
MODEL = f"python:{PACKAGE}.nets:make"

BLOCKS = '''
from torch import nn


class Excite(nn.Module):
    """Squeeze and excitation, as X3D has it: one factor per channel, from its mean."""

    def __init__(self, width):
        super().__init__()
        self.block = nn.Sequential(
            nn.AdaptiveAvgPool3d(1),
            nn.Conv3d(width, 8, 1),
            nn.ReLU(),
            nn.Conv3d(8, width, 1),
            nn.Sigmoid(),
        )

    def forward(self, x):
        return x * self.block(x)


class Bottleneck(nn.Module):
    """Pointwise, depthwise with its squeeze and excitation, pointwise; the input is added."""

    def __init__(self, n_in, width):
        super().__init__()
        self.conv_a, self.norm_a = nn.Conv3d(n_in, width, 1, bias=False), nn.BatchNorm3d(width)
        self.conv_b = nn.Conv3d(width, width, 3, padding=1, groups=width, bias=False)
        self.norm_b, self.excite = nn.BatchNorm3d(width), Excite(width)
        self.conv_c, self.norm_c = nn.Conv3d(width, n_in, 1, bias=False), nn.BatchNorm3d(n_in)
        self.relu, self.swish = nn.ReLU(), nn.SiLU()

    def forward(self, x):
        y = self.relu(self.norm_a(self.conv_a(x)))
        y = self.swish(self.excite(self.norm_b(self.conv_b(y))))
        return self.relu(x + self.norm_c(self.conv_c(y)))
'''

NETS = '''
from pathlib import Path

import torch
from torch import nn

from foreign_nets.blocks import Bottleneck


class Net(nn.Module):
    """A small X3D: its children have names that wrappers like to use."""

    def __init__(self, n_classes, width, depth):
        super().__init__()
        # Numbers that are looked at while the network is made.
        self.rates = [rate.item() for rate in torch.linspace(0, 0.1, depth)]
        self.register_buffer("scale", torch.full((1,), 2.0), persistent=False)
        self.stem = nn.Conv3d(3, width, (1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1), bias=False)
        self.norm = nn.BatchNorm3d(width)
        self.module = nn.Sequential(*(Bottleneck(width, 2 * width) for _ in range(depth)))
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(width, n_classes))

    def forward(self, x):
        x = self.module(self.norm(self.stem(x)).relu())
        return self.head(self.scale * x.mean((2, 3, 4)))


def make(n_classes, depth=1, width=16):
    return Net(n_classes, width, depth)


def by_another_name(num_labels):
    return Net(num_labels, 8, 1)


def fails(n_classes):
    raise RuntimeError("no more networks today")


def returns_text(n_classes):
    return "a network"


def hooked(n_classes):
    network = TwoHeads(n_classes)
    nn.utils.spectral_norm(network.b)
    return network


class TwoHeads(nn.Module):
    """The sum of two classifiers."""

    def __init__(self, n_classes):
        super().__init__()
        self.a, self.b = nn.Linear(3, n_classes), nn.Linear(3, n_classes)

    def forward(self, x):
        x = x.mean((2, 3, 4))
        return self.a(x) + self.b(x)
'''

INIT = """
from pathlib import Path

# Whoever imports this package is found out.
(Path(__file__).parent / "imported").touch()
"""


def write_foreign(folder: Path) -> Path:
    """Write the package into a folder and return its own."""
    package = folder / PACKAGE
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(INIT)
    (package / "blocks.py").write_text(BLOCKS)
    (package / "nets.py").write_text(NETS)
    return package


def forget_foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the process one that has not imported the package."""
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        monkeypatch.delitem(sys.modules, name)


def install_foreign(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the package, put it on the path until the test ends, and return its folder."""
    package = write_foreign(folder)
    forget_foreign(monkeypatch)
    monkeypatch.syspath_prepend(str(folder))
    return package
