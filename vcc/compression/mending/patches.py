"""What the filters of a layer are multiplied with, as rows, and its weights as a matrix."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.nn.modules.conv import _ConvNd

from vcc.models.kernels import padding_sides


def patches(layer: nn.Module, clip: Tensor, most: int) -> Tensor:
    """Return the inputs of filters at some positions, spread evenly, [groups, n, inputs].

    Args:
        layer: a convolution of any number of dimensions, or a linear layer.
        clip: what it reads.
        most: positions at most.

    Raises:
        ValueError: the layer does not pad with zeros.
    """
    if not isinstance(layer, _ConvNd):
        return evenly(clip.reshape(-1, clip.shape[-1]), most).unsqueeze(0)
    flat = [side for pair in reversed(padding_sides(layer)) for side in pair]
    windows = pad(clip, flat)
    sizes = zip(layer.kernel_size, layer.dilation, layer.stride, strict=True)
    for dim, (size, dilation, stride) in enumerate(sizes, 2):
        windows = windows.unfold(dim, (size - 1) * dilation + 1, stride)
        windows = windows[..., ::dilation]
    rows = _at_some_positions(windows.movedim(1, len(layer.kernel_size) + 1), most, layer)
    return rows.reshape(len(rows), layer.groups, -1).transpose(0, 1)


def _at_some_positions(windows: Tensor, most: int, layer: _ConvNd) -> Tensor:
    """Return [n, channels, *kernel] of a view [N, *positions, channels, *kernel], copying no more.

    The view is as many times larger than the clip as a kernel has taps.
    """
    places = windows.shape[: 1 + len(layer.kernel_size)]
    chosen = evenly(torch.arange(places.numel(), device=windows.device), most)
    return windows[torch.unravel_index(chosen, places)]


def as_matrix(layer: nn.Module, weight: Tensor) -> Tensor:
    """Return a view [groups, filters of a group, inputs] of a layer's weight."""
    groups = layer.groups if isinstance(layer, _ConvNd) else 1
    return weight.reshape(groups, len(weight) // groups, -1)


def evenly(rows: Tensor, most: int) -> Tensor:
    """Return at most so many rows, spread over all."""
    if len(rows) <= most:
        return rows
    return rows[torch.linspace(0, len(rows) - 1, most, device=rows.device).long()]
