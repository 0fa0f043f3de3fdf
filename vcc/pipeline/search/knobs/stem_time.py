"""The stem's kernel cut short in time, beside its decomposition: fewer taps, no layer more."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vcc.compression.masks.structures import (
    TEMPORAL_SLICES,
    map_dims,
    spread,
    structure_means,
)
from vcc.compression.pruners.ranked import keep_slices
from vcc.compression.schedule.selectors import convolution_kinds
from vcc.compression.thinning.remove import thin_
from vcc.models.kernels import can_shrink

# Digits of a share in a schedule file: rounded up, so that the pruner's rounding down is undone.
_STEPS = 10_000


@dataclass(frozen=True)
class StemTime:
    """How short the stem's kernel may become.

    Attributes:
        weight: of the stem.
        taps: that it has in time.
    """

    weight: str
    taps: int

    @property
    def shorter(self) -> tuple[int, ...]:
        """The lengths to try: odd ones, the longest first."""
        return tuple(range(self.taps - 2 + (self.taps + 1) % 2, 0, -2))

    def share(self, left: int) -> float:
        """Return the share of its taps that goes where `left` stay, as a schedule has it."""
        gone = (self.taps - left) / self.taps
        return math.ceil(gone * _STEPS) / _STEPS

    def shorten_(self, model: nn.Module, left: int, example_input: Tensor) -> None:
        """Cut a network's stem to the taps that a pruner of temporal slices would leave, in place.

        Args:
            model: its stem has all taps.
            left: how many stay.
            example_input: a batch that it accepts.
        """
        weight = model.get_parameter(self.weight)
        dims = map_dims(TEMPORAL_SLICES, weight, ranking=True)
        scores = structure_means(weight.detach(), dims, order=1)
        keep = keep_slices(scores, self.share(left))
        if keep is None:
            return
        mask = spread(keep, weight.shape, dims)
        with torch.no_grad():
            weight.mul_(mask)
        thin_(model, {self.weight: mask}, example_input)


def stem_time(model: nn.Module) -> StemTime | None:
    """Return how a network's stem can be cut in time; None where it cannot."""
    stem = convolution_kinds(dict(model.named_modules()))["stem"]
    for weight in stem:
        layer = model.get_submodule(weight.rpartition(".")[0])
        if isinstance(layer, nn.Conv3d) and can_shrink(layer) and layer.kernel_size[0] > 1:
            return StemTime(weight, int(layer.kernel_size[0]))
    return None
