"""A classifier of raw pixels: the normalisation that a network was trained with, and the network.

Training, evaluation, export and serving all call this module, so that none of them can normalise
differently.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class PixelClassifier(nn.Module):
    """Maps pixels to logits: `network((pixels - mean) / std)`.

    Args:
        network: maps normalised clips, float [N,3,T,H,W], to logits [N,C].
        mean: per channel (RGB), in pixel units 0..255.
        std: per channel, in pixel units; positive.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, *, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.network = network
        # Not in the state dict: they are options, and the checkpoint's metadata keeps them.
        self.register_buffer("mean", _per_channel(mean), persistent=False)
        self.register_buffer("std", _per_channel(std), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits [N,C] for pixels [N,3,T,H,W], 0..255, of any dtype."""
        normalised = (pixels.to(self.mean.dtype) - self.mean) / self.std
        logits: Tensor = self.network(normalised)
        return logits


def _per_channel(values: Sequence[float]) -> Tensor:
    return torch.tensor(list(values), dtype=torch.float32).view(1, 3, 1, 1, 1)
