"""Whether a structural step left what a network computes as it was: measured, not assumed."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from vcc.errors import one_line
from vcc.models.modes import evaluating

# Share of the largest output by which outputs may differ: rounding in another order, no more.
_TOLERANCE = {torch.float64: 1e-7, torch.float32: 1e-3}
_LOW_PRECISION = 2e-2


class Computed:
    """What a network computes on a random clip, in evaluation mode.

    Args:
        model: the network; its mode, and the state of random numbers, stay as they are.
        example_input: a batch that it accepts; of it only shape, type and device count, since a
            clip of zeros would hide most differences.
    """

    def __init__(self, model: nn.Module, example_input: Tensor) -> None:
        self.clip = random_like(example_input)
        self.outputs = _outputs(model, self.clip)

    def differs(self, model: nn.Module) -> str:
        """Return how another network's outputs differ, in words; "" where they are the same."""
        try:
            outputs = _outputs(model, self.clip)
        except Exception as error:  # noqa: BLE001 - whatever a network raises, it no longer runs
            return f"it no longer runs: {one_line(error, at_most=200)}"
        if [each.shape for each in outputs] != [each.shape for each in self.outputs]:
            return "its outputs have other shapes"
        for before, after in zip(self.outputs, outputs, strict=True):
            if words := _difference(before, after):
                return words
        return ""


def _difference(before: Tensor, after: Tensor) -> str:
    if not before.is_floating_point():
        return "" if torch.equal(before, after) else "its outputs differ"
    allowed = _TOLERANCE.get(before.dtype, _LOW_PRECISION)
    reach = before[before.isfinite()].abs().max() if before.isfinite().any() else 0.0
    if torch.allclose(before, after, rtol=0, atol=float(allowed * reach), equal_nan=True):
        return ""
    return f"its outputs differ by {float((after - before).abs().max()):.3g} of {float(reach):.3g}"


def random_like(example_input: Tensor) -> Tensor:
    """Return a random clip of a batch's shape, type and device, the same at every call."""
    if not example_input.is_floating_point():
        return example_input
    generator = torch.Generator().manual_seed(0)
    clip = torch.randn(example_input.shape, generator=generator, dtype=torch.float64)
    return clip.to(example_input)


def _outputs(model: nn.Module, clip: Tensor) -> list[Tensor]:
    devices = [clip.device] if clip.device.type == "cuda" else []
    with evaluating(model), torch.no_grad(), torch.random.fork_rng(devices=devices):
        torch.manual_seed(0)
        leaves = tree_leaves(model(clip.clone()))
    return [leaf.detach().clone() for leaf in leaves if isinstance(leaf, Tensor)]
