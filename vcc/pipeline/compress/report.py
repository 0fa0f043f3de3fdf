"""The table of every layer that a compression leaves to look at."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

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

    A layer that was folded into another has 0 parameters now; one that was decomposed has those of
    its parts, the bits of the first, and no sparsity. Bits are empty where a layer computes in
    float.

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
        rows = _of_layer(now, then.name)
        figures = [
            then.parameters,
            sum(row.parameters for row in rows),
            then.macs,
            sum(row.macs for row in rows),
        ]
        own_bits = bits.get(then.name) or bits.get(f"{then.name}.0", ("", ""))
        cells = [*_sparsity_cells(weights.get(then.name)), *own_bits]
        writer.writerow([then.name, then.type, *figures, *cells])
    return out.getvalue()


def _of_layer(now: Mapping[str, LayerRow], name: str) -> list[LayerRow]:
    """Return the row of a layer, or those of the parts that it was decomposed into."""
    if name in now:
        return [now[name]]
    return [row for part, row in now.items() if part.startswith(f"{name}.")]


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
