"""Tiny classifiers of pixels for export tests."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CLIP_SHAPE = (3, 4, 8, 8)


class ToyClassifier(nn.Module):
    """One convolution, pooling and a linear layer: pixels [N,3,4,8,8] to logits [N,5]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, 6, 3, padding=1)
        self.linear = nn.Linear(6, 5)

    def forward(self, pixels: Tensor) -> Tensor:
        features = torch.relu(self.conv(pixels / 255)).mean(dim=(2, 3, 4))
        logits: Tensor = self.linear(features)
        return logits
