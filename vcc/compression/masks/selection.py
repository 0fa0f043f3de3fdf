"""What to keep: counts, and keep masks that prune exactly the count asked, ties included."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

ROUNDING: dict[str, Callable[[float], int]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
}


def count_for_level(level: float, n: int) -> int:
    """Return how many of n a level prunes: int(level * n), as Distiller counts."""
    return int(level * n)


def count_structures(
    n: int, fraction: float, *, group_size: int = 1, rounding: str = "floor"
) -> int:
    """Return how many of n structures to prune: whole groups, and never all unless asked.

    m = floor(fraction * n), floored to a multiple of g; m == n gives n - g unless fraction is 1.
    """
    count = min(n, ROUNDING[rounding](fraction * n))
    count = count // group_size * group_size
    if count == n and fraction != 1.0:
        count = n - group_size
    return max(0, count)


def keep_highest(scores: Tensor, n_pruned: int) -> Tensor:
    """Return a bool tensor of the same shape that is False at the `n_pruned` lowest scores.

    Of scores that tie at the border, those first in memory order are pruned.
    """
    flat = scores.detach().reshape(-1)
    if n_pruned <= 0:
        return torch.ones_like(scores, dtype=torch.bool)
    if n_pruned >= flat.numel():
        return torch.zeros_like(scores, dtype=torch.bool)
    border = flat.kthvalue(n_pruned).values
    keep = flat > border
    # all at or below the border are pruned now: give back the surplus of ties, last ones first
    surplus = int(flat.numel() - n_pruned - int(keep.sum()))
    if surplus > 0:
        tied = (flat == border).nonzero().flatten()
        keep[tied[len(tied) - surplus :]] = True
    return keep.reshape(scores.shape)


def keep_window(scores: Tensor, n_pruned: int) -> Tensor:
    """Return a bool tensor [n], True on neighbours: those with the highest sum round the middle.

    The middle one (of an even number, the first of two) is always among the n - n_pruned that stay.
    Of sums that tie, those stay that lie most evenly round it, and of two such the first.
    """
    left = len(scores) - n_pruned
    keep = torch.zeros_like(scores, dtype=torch.bool)
    if n_pruned <= 0 or left <= 0:
        return keep if left <= 0 else ~keep
    middle = (len(scores) - 1) // 2
    sums = scores.detach().double().unfold(0, left, 1).sum(dim=1).tolist()
    starts = range(max(0, middle - left + 1), min(middle, n_pruned) + 1)
    start = min(starts, key=lambda first: (-sums[first], abs(2 * first - n_pruned), first))
    keep[start : start + left] = True
    return keep


def keep_highest_of_all(
    scores: Sequence[Tensor],
    fraction: float,
    *,
    most_per_layer: float = 1.0,
    rounding: str = "floor",
) -> list[Tensor]:
    """Return a keep map per layer that together prune a fraction of all layers' structures.

    Args:
        scores: per layer, [n]; those of different layers are compared as they are.
        fraction: share of all structures to prune; fewer where `most_per_layer` leaves no more.
        most_per_layer: largest share of one layer's structures to prune; one always stays.
        rounding: how fraction * n becomes a count.
    """
    together = torch.cat(list(scores))
    protected = torch.cat(
        [
            keep_highest(layer, min(len(layer) - 1, int(most_per_layer * len(layer))))
            for layer in scores
        ]
    )
    count = count_structures(together.numel(), fraction, rounding=rounding)
    count = min(count, int((~protected).sum()))
    keep = keep_highest(together.masked_fill(protected, float("inf")), count)
    return list(torch.split(keep, [len(layer) for layer in scores]))


def keep_above(weight: Tensor, threshold: float | Tensor) -> Tensor:
    """Return where |weight| is strictly greater than the threshold."""
    return weight.detach().abs() > threshold


def keep_level(weight: Tensor, level: float) -> Tensor:
    """Return the mask that prunes int(level * numel) weights of least magnitude."""
    return keep_highest(weight.detach().abs(), count_for_level(level, weight.numel()))
