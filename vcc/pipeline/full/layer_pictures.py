"""Pictures of what is left of each layer: in a compression's run and in the pipeline's report."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from torch import nn

from vcc.compression.masks.sparsity import SparsityRow, sparsity_table
from vcc.evaluation.plots.cost import LayerSparsity, removed_figure, sparsity_figure
from vcc.evaluation.plots.style import save_figure
from vcc.tracking.runs import Run


def log_layer_pictures(before: Sequence[SparsityRow], model: nn.Module, run: Run) -> None:
    """Log `layers/weights.png` and `layers/sparsity.png` of a compressed network.

    Args:
        before: `sparsity_table` of the dense network.
        model: the compressed one.
        run: takes the artifacts.
    """
    with tempfile.TemporaryDirectory() as made:
        draw_layers(before, model, Path(made))
        run.log_file(Path(made), "layers")


def draw_layers(before: Sequence[SparsityRow], model: nn.Module, folder: Path) -> None:
    """Write weights.png (counts, before and after) and sparsity.png (shares) into a folder."""
    then = {row.name: row.numel for row in before}
    rows = list(_as_named_before(sparsity_table(model), then))
    figure = removed_figure(
        [row.name for row in rows],
        [then[row.name] for row in rows],
        [row.numel - row.zeros for row in rows],
    )
    save_figure(figure, folder / "weights.png")
    layers = [
        LayerSparsity(
            name=row.name,
            weights=then[row.name],
            removed=1 - row.numel / then[row.name],
            zero=row.zeros / then[row.name],
            filter_sparsity=row.filter_sparsity,
        )
        for row in rows
    ]
    save_figure(
        sparsity_figure(layers, title="what became of the dense network's weights"),
        folder / "sparsity.png",
    )


def _as_named_before(rows: Sequence[SparsityRow], names: Collection[str]) -> Iterator[SparsityRow]:
    """Yield rows of the dense network's weights; the parts of a decomposed layer as one."""
    own = {row.name: row for row in rows}
    for name in names:
        layer = name.removesuffix("weight")
        parts = [row for row in rows if row.name.startswith(layer)]
        if name in own:
            yield own[name]
        elif parts:
            numel, zeros = (sum(getattr(row, key) for row in parts) for key in ("numel", "zeros"))
            yield dataclasses.replace(
                parts[-1], name=name, numel=numel, zeros=zeros, sparsity=zeros / numel
            )
