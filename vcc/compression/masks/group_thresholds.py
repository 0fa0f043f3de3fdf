"""Masks by a threshold on structures, for the structure pruner and the regularizers."""

from __future__ import annotations

import torch
from torch import Tensor

from vcc.compression.masks.structures import (
    map_dims,
    spread,
    structure_maxima,
    structure_means,
    structure_norms,
)


def structure_measure(weight: Tensor, group: str, criterion: str) -> Tensor:
    """Return one figure per structure.

    Args:
        weight: 2-, 4- or 5-D.
        group: 2D, 3D, Filters, Channels, Rows or Cols; 4D is the whole tensor.
        criterion: Max, L1, L2 (norms), Mean_Abs = Mean_L1, Mean_L2 (norm / element count).
    """
    dims = () if group == "4D" else map_dims(group, weight)
    if criterion == "Max":
        return structure_maxima(weight, dims)
    order = 2 if criterion.endswith("L2") else 1
    if criterion.startswith("Mean"):
        return structure_means(weight, dims, order=order)
    return structure_norms(weight, dims, order=order)


def group_threshold_mask(weight: Tensor, group: str, threshold: float, criterion: str) -> Tensor:
    """Return the mask that keeps structures whose measure exceeds the threshold.

    A sum of groups (Rows+Cols) keeps what each of them keeps.
    """
    weight = weight.detach()
    keep = torch.ones_like(weight, dtype=torch.bool)
    for part in group.split("+"):
        alive = structure_measure(weight, part, criterion) > threshold
        dims = () if part == "4D" else map_dims(part, weight)
        keep &= spread(alive, weight.shape, dims)
    return keep
