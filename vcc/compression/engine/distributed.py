"""Rank 0 decides: what was computed there is broadcast, so that all processes prune alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, distributed


def is_distributed() -> bool:
    """Return whether several processes train together."""
    available = distributed.is_available() and distributed.is_initialized()
    return available and distributed.get_world_size() > 1


def masks_from_rank_zero(
    masks: Mapping[str, Tensor], among: Sequence[str], *, like: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Return the masks that rank 0 computed, on every rank; what it has none for is absent.

    Ranks see other clips, so a pruner that looks at gradients or activations may find masks for
    other parameters on each of them: all ask about the same names in the same order.

    Args:
        masks: parameter name -> this rank's new mask.
        among: every name that there might be a mask for, the same on all ranks.
        like: parameter name -> parameter, for shapes and device.
    """
    if not is_distributed() or not among:
        return dict(masks)
    device = like[among[0]].device
    present = torch.tensor([name in masks for name in among], dtype=torch.uint8, device=device)
    distributed.broadcast(present, src=0)
    decided = {}
    for name, there in zip(among, present.tolist(), strict=True):
        if there:
            mask = masks.get(name)
            kept = torch.ones_like(like[name], dtype=torch.uint8) if mask is None else mask
            kept = kept.to(device=like[name].device, dtype=torch.uint8).contiguous()
            distributed.broadcast(kept, src=0)
            decided[name] = kept.to(torch.bool)
    return decided


def tensors_from_rank_zero(values: Sequence[Tensor]) -> None:
    """Overwrite small float tensors of one device by rank 0's, in one message."""
    if not values or not is_distributed():
        return
    together = torch.cat([value.detach().reshape(-1).float() for value in values])
    distributed.broadcast(together, src=0)
    start = 0
    for value in values:
        part = together[start : start + value.numel()]
        value.detach().copy_(part.reshape(value.shape))
        start += value.numel()
