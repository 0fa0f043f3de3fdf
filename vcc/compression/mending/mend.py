"""Mending of a calibrated network, layer by layer in the order in which they compute."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from vcc.compression.mending.bias import correct_bias_, float_outputs
from vcc.compression.mending.layer_weight import round_weight_, weight_quantizer
from vcc.compression.mending.parameters import FloatParameters
from vcc.compression.mending.passes import Batches, calls_in_order
from vcc.errors import ScheduleError

log = logging.getLogger(__name__)

NEAREST, GPTQ = "nearest", "gptq"
ROUNDINGS = (NEAREST, GPTQ)


@dataclass(frozen=True)
class Mended:
    """What was done.

    Args:
        floats: weights and biases before.
        rounding: layer -> (error of its outputs with weights rounded to the nearest, and now):
            share of their mean square. Layers whose error did not shrink are left as they were.
        biases: layer -> mean shift of its outputs that its bias makes up for, share of their
            standard deviation.
    """

    floats: FloatParameters
    rounding: Mapping[str, tuple[float, float]]
    biases: Mapping[str, float]

    def sentence(self) -> str:
        """Return what happened, in one line."""
        parts = []
        if self.rounding:
            left = [now / before for before, now in self.rounding.values() if before]
            share = torch.tensor(left).median() if left else 1.0
            parts.append(
                f"weights of {len(self.rounding)} layers rounded by {GPTQ}: their outputs err "
                f"{share:.0%} of what they did (median, squared)"
            )
        if self.biases:
            parts.append(f"biases of {len(self.biases)} layers corrected")
        return "; ".join(parts) or "nothing to mend"


def mend_(
    model: nn.Module, batches: Batches | None, *, rounding: str, bias_correction: bool
) -> Mended:
    """Mend a calibrated network in place.

    Args:
        model: with quantizers whose ranges are set.
        batches: returns calibration batches [N,C,...], the same each time.
        rounding: `nearest` leaves weights as they are, `gptq` see `rounding`.
        bias_correction: let every bias make up for what quantization shifts the mean of its output
            channel by (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and
            Bias Correction", section 4.2, measured on clips).

    Raises:
        ScheduleError: there are no calibration batches.
    """
    first = next(iter(batches()), None) if batches is not None else None
    if batches is None or first is None:
        msg = "rounding and bias_correction need calibration clips: give file_config some"
        raise ScheduleError(msg)
    layers = [n for n, module in model.named_modules() if weight_quantizer(module) is not None]
    calls = calls_in_order(model, layers, first[:1])
    floats = FloatParameters(model, calls)
    wanted = float_outputs(model, calls, batches) if bias_correction else {}
    rounded = {}
    if rounding == GPTQ:
        for number, name in enumerate(calls, 1):
            found = round_weight_(model, name, calls[name], batches)
            if found is not None:
                rounded[name] = found
            log.info("rounding: %d of %d layers", number, len(calls))
    shifts = {}
    for name, outputs in wanted.items():
        shifts[name] = correct_bias_(model, name, calls[name], batches, outputs)
    return Mended(floats, rounded, shifts)
