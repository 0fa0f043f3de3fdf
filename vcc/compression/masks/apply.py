"""Masks on a network that no mask store watches: a copy, or averaged weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


@torch.no_grad()
def mask_parameters_(model: nn.Module, masks: Mapping[str, Tensor | None]) -> None:
    """Multiply, in place, a network's parameters by their masks.

    Args:
        model: the network.
        masks: parameter name to its mask, 1 = keep, in the parameter's shape or one that
            broadcasts to it; None where there is no mask. Names that the network has not are
            passed over.
    """
    parameters = dict(model.named_parameters(remove_duplicate=False))
    for name, mask in masks.items():
        if mask is not None and name in parameters:
            parameters[name].mul_(mask.to(parameters[name]))
