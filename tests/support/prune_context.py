"""A moment at which masks are due, for pruners that are tested without a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vcc.compression.pruners.base import PruneContext
from vcc.compression.schedule.epochs import ActiveEpochs, epoch_range


def context(
    epoch: int = 0,
    *,
    active: ActiveEpochs | None = None,
    masks: dict[str, Tensor | None] | None = None,
    **weights: Sequence[Any],
) -> PruneContext:
    """Return the context of an epoch of 0..9, with parameters given as nested lists by name."""
    parameters = {name: nn.Parameter(torch.tensor(value)) for name, value in weights.items()}
    return PruneContext(parameters, masks or {}, active or epoch_range(0, 10), epoch)
