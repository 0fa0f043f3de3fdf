"""One layer that is to be decomposed: what its form costs at which ranks, and the form itself."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vcc.compression.decomposition.factors import (
    Moments,
    assign_,
    composed,
    factors_of,
    spectra_of,
)
from vcc.compression.decomposition.moments import MOST_INPUTS
from vcc.compression.decomposition.ranks import LayerChoice, Ranks, kept_energy
from vcc.compression.decomposition.report import DecompositionRow
from vcc.models.blueprint import blueprint
from vcc.models.decomposed import FORMS, Decomposed, undecomposed

Layer = nn.Conv3d | nn.Linear


class LayerCandidate:
    """A layer and the form that may take its place.

    Args:
        layer: stays as it is.
        form: see `vcc.models.decomposed`.
        input_shape: of what it reads, [N,C,...]; costs are those of one sample.
        moments: of the layer, where the error of its output is minimised.
        data_aware: whether that was asked for.
    """

    def __init__(
        self,
        layer: Layer,
        form: str,
        input_shape: Sequence[int],
        *,
        moments: Moments,
        data_aware: bool = False,
    ) -> None:
        self.layer, self.form, self.moments = layer, form, moments
        self.note = ""
        if data_aware and not moments:
            self.note = f"by its weight: a patch of more than {MOST_INPUTS} inputs"
        self._spectra = spectra_of(layer.weight, form, moments)
        self._per_pair, macs = _products(layer, form, input_shape)
        self.choice = LayerChoice(
            spectra=tuple(spectrum.values for spectrum in self._spectra),
            cost=self.cost,
            macs=macs,
            longer=tuple(spectrum.longer for spectrum in self._spectra),
        )

    def cost(self, ranks: Ranks) -> int:
        """Return the multiply-accumulates of the form at some ranks, for one sample."""
        first, last = _ends(self.layer)
        channels = (first, *ranks, last)
        pairs = zip(channels, channels[1:], self._per_pair, strict=False)
        return sum(inputs * outputs * each for inputs, outputs, each in pairs)

    def made(self, ranks: Ranks) -> Decomposed:
        """Return the form at some ranks, with the layer's own bias parameter."""
        layer = self.layer
        module = undecomposed(layer, self.form, ranks)
        factors = factors_of(
            layer.weight, self.form, ranks, spectra=self._spectra, moments=self.moments
        )
        assign_(list(module), factors)
        module.requires_grad_(layer.weight.requires_grad)
        if layer.bias is not None:
            list(module)[-1].register_parameter("bias", layer.get_parameter("bias"))
        return module

    def row(self, name: str, module: Decomposed, output_error: float) -> DecompositionRow:
        """Return what a report says of the form that `made` returned."""
        ranks, full = module.ranks, self.choice.full
        kept = zip(self.choice.spectra, ranks, strict=True)
        return DecompositionRow(
            layer=name,
            form=self.form,
            ranks=ranks,
            full=full,
            energy=min(kept_energy(values, rank) for values, rank in kept),
            macs_before=self.choice.macs,
            macs=self.cost(ranks),
            weight_error=self._weight_error(module),
            output_error=output_error,
            note=self.note,
        )

    def _weight_error(self, module: Decomposed) -> float:
        weights = [part.get_parameter("weight").detach().double() for part in module]
        before = self.layer.weight.detach().double()
        norm = before.norm().clamp_min(torch.finfo(torch.float64).tiny)
        return float((composed(weights, self.form) - before).norm() / norm)


def _ends(layer: Layer) -> tuple[int, int]:
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features
    return layer.in_channels, layer.out_channels


def _products(layer: Layer, form: str, input_shape: Sequence[int]) -> tuple[tuple[int, ...], int]:
    """Return the products per pair of channels of each of a form's layers, and of the layer whole.

    Those are the taps of a kernel at the positions of its output.
    """
    memo = {id(each): nn.Parameter(each.detach().to("meta")) for each in layer.parameters()}
    shadow = copy.deepcopy(layer, memo)
    shadow._forward_hooks.clear()
    shadow._forward_pre_hooks.clear()
    clip = torch.empty((1, *input_shape[1:]), dtype=layer.weight.dtype, device="meta")
    with blueprint(), torch.no_grad():
        parts = undecomposed(shadow, form, (1,) * FORMS[form])
        per_pair = []
        read = clip
        for part in parts:
            written: Tensor = part(read)
            per_pair.append(_pair_products(part, written))
            read = written
        first, last = _ends(layer)
        return tuple(per_pair), first * last * _pair_products(shadow, shadow(clip))


def _pair_products(layer: nn.Module, written: Tensor) -> int:
    weight = layer.get_parameter("weight")
    taps = weight[0, 0].numel()
    return taps * (written.numel() // weight.shape[0])
