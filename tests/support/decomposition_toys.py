"""A small network with every kind of layer that decomposition meets, in double precision."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

CLIP = (2, 3, 5, 10, 10)


def toy_network(seed: int = 0) -> nn.Sequential:
    """Return stem, BatchNorm, 3x3x3, 1x1x1, grouped and depthwise convolutions, two linear ones."""
    torch.manual_seed(seed)
    layers: dict[str, nn.Module] = {
        "stem": nn.Conv3d(3, 8, (3, 5, 5), stride=(1, 2, 2), padding=(1, 2, 2), bias=False),
        "norm": nn.BatchNorm3d(8),
        "relu": nn.ReLU(),
        "cube": nn.Conv3d(8, 12, 3, stride=2, padding=1),
        "point": nn.Conv3d(12, 8, 1),
        "grouped": nn.Conv3d(8, 8, 3, padding=1, groups=2),
        "depthwise": nn.Conv3d(8, 8, 3, padding=1, groups=8),
        "pool": nn.AdaptiveAvgPool3d(1),
        "flat": nn.Flatten(),
        "hidden": nn.Linear(8, 6),
        "fc": nn.Linear(6, 3),
    }
    return nn.Sequential(OrderedDict(layers)).double().eval()


def toy_clip(seed: int = 1) -> Tensor:
    """Return a batch for it."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(CLIP, generator=generator, dtype=torch.float64)


def full_ranks(weight: Tensor, form: str) -> tuple[int, ...]:
    """Return the smallest ranks at which a form computes what the layer does.

    Args:
        weight: [O,I,T,H,W].
        form: see `vcc.models.decomposed`.
    """
    outputs, inputs, frames = weight.shape[:3]
    taps = weight[0, 0].numel()
    if form == "spatial_temporal":
        return (min(outputs * frames, inputs * taps // frames),)
    if form == "low_rank":
        return (min(outputs, inputs * taps),)
    return min(inputs, outputs * taps), min(outputs, inputs * taps)


def weights_of(model: nn.Module) -> tuple[str, ...]:
    """Return the names of all parameters."""
    return tuple(name for name, _ in model.named_parameters())
