"""Rank 0 decides: what was computed there is broadcast, so that all processes prune alike."""

from __future__ import annotations

import torch
from torch import Tensor, distributed


def is_distributed() -> bool:
    """Whether several processes train together."""
    available = distributed.is_available() and distributed.is_initialized()
    return available and distributed.get_world_size() > 1


def from_rank_zero(mask: Tensor | None, *, like: Tensor) -> Tensor | None:
    """Return rank 0's mask on every rank; all ranks call this in the same order.

    Args:
        mask: this rank's own mask or None.
        like: the parameter, for shape and device.
    """
    if not is_distributed():
        return mask
    present = torch.tensor([mask is not None], dtype=torch.uint8, device=like.device)
    distributed.broadcast(present, src=0)
    if not bool(present):
        return None
    full = torch.ones(like.shape, dtype=torch.uint8, device=like.device) if mask is None else mask
    full = full.to(torch.uint8).contiguous()
    distributed.broadcast(full, src=0)
    return full.to(torch.bool)


def tensor_from_rank_zero(value: Tensor) -> Tensor:
    """Return rank 0's tensor on every rank."""
    if is_distributed():
        value = value.contiguous()
        distributed.broadcast(value, src=0)
    return value
