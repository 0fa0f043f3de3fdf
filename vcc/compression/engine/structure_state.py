"""The structure that a schedule has given a network so far, as data: to resume within a schedule.

Masks, optimizer and weights only fit a network of the same structure. A resumed run builds the
scheduler on the dense network, as at the start, and gives it the structure of then before it loads
the rest: what the schedule names is resolved on the network that it was written for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from vcc.compression.engine.scheduler import CompressionScheduler
from vcc.models.architecture import (
    describe_layers,
    describe_sections,
    rebuild_sections,
    resize_layers,
)


def describe_structure(model: nn.Module) -> dict[str, Any]:
    """Return channels, folded and decomposed layers, and quantizers of a network as JSON types."""
    return {"layers": describe_layers(model), "sections": describe_sections(model)}


def restore_structure(scheduler: CompressionScheduler, structure: Mapping[str, Any]) -> None:
    """Give a scheduler's network a recorded structure, in place, with weights yet to be loaded.

    Args:
        scheduler: as `file_config` returned it, on the dense network.
        structure: what `describe_structure` said.

    Raises:
        ModelError: the structure is of another network.
    """
    model = scheduler.model
    reference = next(model.parameters())
    device = reference.device
    model.to("meta")
    rebuild_sections(model, structure["sections"], before_layers=True)
    resize_layers(model, structure["layers"])
    rebuild_sections(model, structure["sections"])
    model.to_empty(device=device)
    # nothing of it is meant: an unloaded weight would be whatever the memory held
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.zero_()
    scheduler.structure_restored()
