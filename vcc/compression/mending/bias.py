"""Biases that make up for what quantization shifts the means of outputs by."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from vcc.compression.mending.parameters import Precisions
from vcc.compression.mending.passes import Batches, watch_layer


class Outputs:
    """Mean and variance of each output channel over clips and places."""

    def __init__(self) -> None:
        self.sums = torch.zeros(2, 1, dtype=torch.float64)
        self.count = 0

    def look(self, layer: nn.Module, _read: Tensor, output: Tensor) -> None:
        dim = -1 if isinstance(layer, nn.Linear) else 1
        rows = output.movedim(dim, 0).flatten(1).double()
        sums = torch.stack([rows.sum(dim=1), rows.square().sum(dim=1)])
        self.sums = self.sums.to(sums.device) + sums
        self.count += rows.shape[1]

    def mean(self) -> Tensor:
        return self.sums[0] / self.count

    def deviation(self) -> float:
        """Return the standard deviation, as a mean over channels."""
        return float((self.sums[1] / self.count - self.mean().square()).clamp_min(0).sqrt().mean())


def float_outputs(
    model: nn.Module, calls: Mapping[str, int], batches: Batches
) -> dict[str, Outputs]:
    """Return layer with a bias -> its outputs where all is float, in one pass."""
    found = {
        name: Outputs()
        for name in calls
        if model.get_submodule(name)._parameters.get("bias") is not None
    }
    precisions = Precisions(model)
    handles = [
        model.get_submodule(name).register_forward_hook(_hook(outputs))
        for name, outputs in found.items()
    ]
    try:
        for name in precisions.layers:
            precisions.to_float(name)
        last = list(calls)[-1]
        watch_layer(model, last, calls[last], batches, lambda *_: None)
    finally:
        for handle in handles:
            handle.remove()
        for name in precisions.layers:
            precisions.to_integers(name)
    return found


def _hook(outputs: Outputs) -> Callable[..., None]:
    def hook(layer: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        outputs.look(layer, args[0], output)

    return hook


def correct_bias_(
    model: nn.Module, name: str, calls: int, batches: Batches, wanted: Outputs
) -> float:
    found = Outputs()
    watch_layer(model, name, calls, batches, found.look)
    shift = wanted.mean() - found.mean()
    bias = model.get_submodule(name).get_parameter("bias")
    with torch.no_grad():
        bias.add_(shift.to(bias))
    return float(shift.abs().mean()) / max(wanted.deviation(), 1e-12)
