"""The table of every layer that a compression leaves to look at."""

from __future__ import annotations

import io
from collections.abc import Sequence

from torch import nn

from vcc.compression.masks.sparsity import SparsityRow, sparsity_table
from vcc.models.quantized.plan import read_plan
from vcc.models.quantized.plan_parts import ActivationPlan, WeightPlan
from vcc.models.summary import LayerRow, layer_table
from vcc.spreadsheet import CsvWriter

LAYERS_FILE = "layers.csv"
_HEADER = (
    "Name",
    "Type",
    "Parameters before",
    "Parameters",
    "MACs before",
    "MACs",
    "Weight shape",
    "Sparsity",
    "Filter sparsity",
    "Channel sparsity",
    "Weight bits",
    "Activation bits",
)


def layers_csv(before: Sequence[LayerRow], model: nn.Module) -> str:
    """Return a row per layer of a dense network, with what compression made of it, as CSV.

    A layer that was folded into another has 0 parameters now. Bits are empty where a layer computes
    in float.

    Args:
        before: `layer_table` of the dense network.
        model: the compressed one; its layers have the names of then.
    """
    now = {row.name: row for row in layer_table(model)}
    weights = {row.name.removesuffix(".weight"): row for row in sparsity_table(model)}
    bits = _bits(model)
    out = io.StringIO()
    writer = CsvWriter(out)
    writer.writerow(_HEADER)
    for then in before:
        row = now.get(then.name)
        figures = [
            then.parameters,
            row.parameters if row else 0,
            then.macs,
            row.macs if row else 0,
        ]
        cells = [*_sparsity_cells(weights.get(then.name)), *bits.get(then.name, ("", ""))]
        writer.writerow([then.name, then.type, *figures, *cells])
    return out.getvalue()


def _sparsity_cells(row: SparsityRow | None) -> list[str]:
    if row is None:
        return [""] * 4
    shares = (row.sparsity, row.filter_sparsity, row.channel_sparsity)
    return ["x".join(map(str, row.shape)), *(f"{share:.4f}" for share in shares)]


def _bits(model: nn.Module) -> dict[str, tuple[str, str]]:
    """Return layer -> bits of its weight and of its input."""
    plan = read_plan(model)
    layers = {} if plan is None else plan.layers
    return {name: (_bits_of(layer.weight), _bits_of(layer.input)) for name, layer in layers.items()}


def _bits_of(part: WeightPlan | ActivationPlan | None) -> str:
    return "" if part is None else str(part.bits)
