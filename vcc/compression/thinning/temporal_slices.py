"""Which positions in time of 3-D kernels stay: the ends that every filter has masked go.

A masked position between two that stay cannot go: the kernel would not be one block any more.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vcc.models.kernels import can_shrink


def slices_that_stay(model: nn.Module, masks: Mapping[str, Tensor | None]) -> dict[str, Tensor]:
    """Return layer name to the positions that stay, ascending, for kernels that lose some.

    Args:
        model: the network, with its masks applied.
        masks: parameter name to its mask, 1 = keep, that fits the parameter. A position is masked
            where all of its weights are. A layer that is masked as a whole keeps its kernel.
    """
    found = {}
    for name, mask in masks.items():
        layer, _, attribute = name.rpartition(".")
        module = model.get_submodule(layer)
        if mask is None or attribute != "weight" or not isinstance(module, nn.Conv3d):
            continue
        if not can_shrink(module):
            continue
        kept = mask.detach().cpu().expand(module.weight.shape).bool()
        alive = kept.any(dim=0).any(dim=0).flatten(1).any(dim=1).nonzero().flatten()
        if len(alive) and int(alive[-1] - alive[0]) + 1 < len(kept[0, 0]):
            found[layer] = torch.arange(int(alive[0]), int(alive[-1]) + 1)
    return found
