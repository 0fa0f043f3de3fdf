"""Structures of a weight tensor: filters, channels, kernels, rows, columns, slices and blocks.

A weight is [out, in, *kernel]: 2-D (linear), 4-D (Conv2d) or 5-D (Conv3d). A structure group is
scored with one number per structure, and a keep map (one bool per structure) is spread back over
the tensor.

    Filters, 3D   dim 0                Rows (2-D)    dim 0, one stored row
    Channels      dim 1                Cols (2-D)    dim 1
    2D            each kernel [o, i]   4D            the whole tensor
    TemporalSlices (5-D)               dim 2: one position in time of all filters
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

TEMPORAL_SLICES = "TemporalSlices"

# group -> dimensions of the map of structures
_MAP_DIMS = {
    "Filters": (0,),
    "3D": (0,),
    "Channels": (1,),
    "2D": (0, 1),
    "Rows": (0,),
    "Cols": (1,),
    TEMPORAL_SLICES: (2,),
}


class UnfitStructure(ValueError):
    """A group that a weight of this shape does not have."""


def map_dims(group: str, weight: Tensor, *, ranking: bool = False) -> tuple[int, ...]:
    """Return the dimensions that a group's map spans.

    Ranking follows Distiller, where `Rows` is another name for `Channels`.

    Raises:
        UnfitStructure: the weight has no such structures.
    """
    if weight.dim() < 2:
        msg = f"{group} needs a weight of at least 2 dimensions, not {tuple(weight.shape)}"
        raise UnfitStructure(msg)
    if group not in _MAP_DIMS:
        msg = f"{group} is not a group of structures with one score each"
        raise UnfitStructure(msg)
    if group == TEMPORAL_SLICES and weight.dim() != 5:
        msg = f"{group} needs the 5-dimensional weight of a Conv3d, not {tuple(weight.shape)}"
        raise UnfitStructure(msg)
    if group in ("Rows", "Cols") and weight.dim() != 2 and not ranking:
        msg = f"{group} needs a 2-dimensional weight, not {tuple(weight.shape)}"
        raise UnfitStructure(msg)
    return (1,) if ranking and group == "Rows" else _MAP_DIMS[group]


def structure_norms(weight: Tensor, dims: Sequence[int], *, order: int) -> Tensor:
    """Return the L1 or L2 norm of each structure; the map has the sizes of `dims`."""
    others = [dim for dim in range(weight.dim()) if dim not in dims]
    if not others:
        return weight.abs()
    if order == 1:
        return weight.abs().sum(dim=others)
    return weight.pow(2).sum(dim=others).sqrt()


def structure_means(weight: Tensor, dims: Sequence[int], *, order: int) -> Tensor:
    """Return norm / element count: "Mean_L2" is ||g||_2 / n, as Distiller has it, not the RMS."""
    norms = structure_norms(weight, dims, order=order)
    return norms / (weight.numel() / norms.numel())


def structure_maxima(weight: Tensor, dims: Sequence[int]) -> Tensor:
    """Return the largest magnitude in each structure."""
    others = [dim for dim in range(weight.dim()) if dim not in dims]
    return weight.abs().amax(dim=others) if others else weight.abs()


def structures_alive(weight: Tensor, dims: Sequence[int]) -> Tensor:
    """Return which structures have a weight that is not zero, bool of the sizes of `dims`."""
    others = [dim for dim in range(weight.dim()) if dim not in dims]
    return (weight != 0).any(dim=others) if others else weight != 0


def spread(keep: Tensor, shape: torch.Size, dims: Sequence[int]) -> Tensor:
    """Return a keep map as a full mask of the weight's shape."""
    sizes = [shape[dim] if dim in dims else 1 for dim in range(len(shape))]
    return keep.reshape(sizes).expand(shape).contiguous()


def block_view(weight: Tensor, block_shape: Sequence[int]) -> Tensor:
    """Return the weight as [blocks, block, kernel]: a block is a column of dim 1.

    Args:
        weight: [out, in, *kernel].
        block_shape: [repetitions, depth, 1, 1, ...].

    Raises:
        UnfitStructure: the blocks do not divide the tensor.
    """
    repetitions, depth = block_shape[0], block_shape[1]
    n_out, n_in = weight.shape[:2]
    kernel = math.prod(weight.shape[2:])
    rows = n_out * n_in // (repetitions * depth) if depth > 1 else n_out // repetitions
    fits = n_out * n_in % (repetitions * depth) == 0 if depth > 1 else n_out % repetitions == 0
    if not fits:
        msg = f"blocks of {list(block_shape)} do not divide a weight of {tuple(weight.shape)}"
        raise UnfitStructure(msg)
    if depth > 1:
        return weight.contiguous().view(rows, repetitions * depth, kernel)
    return weight.contiguous().view(rows, repetitions, -1)


def spread_blocks(keep: Tensor, weight: Tensor, block_shape: Sequence[int]) -> Tensor:
    """Return a keep map of [blocks, kernel] as a full mask of the weight's shape."""
    view = block_view(weight, block_shape)
    return keep.unsqueeze(1).expand(view.shape).reshape(weight.shape).contiguous()
