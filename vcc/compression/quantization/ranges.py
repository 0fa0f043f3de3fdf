"""Ranges of activations among processes: every rank quantizes by those that rank 0 found."""

from __future__ import annotations

from torch import nn

from vcc.compression.engine.distributed import tensors_from_rank_zero
from vcc.models.quantized.plan import activation_quantizers


def share_ranges(model: nn.Module) -> None:
    """Overwrite the tracked ranges of a network's activation quantizers by rank 0's.

    DDP broadcasts buffers before a forward pass that trains, but not before validation or saving.
    """
    tracked = [
        getattr(quantizer, name)
        for quantizer in activation_quantizers(model).values()
        for name in ("ema", "low", "high", "steps")
    ]
    tensors_from_rank_zero(tracked)
