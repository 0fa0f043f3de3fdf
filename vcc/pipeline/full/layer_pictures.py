"""Pictures of what is left of each layer: in a compression's run and in the pipeline's report."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
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
    rows = [row for row in sparsity_table(model) if row.name in then]
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
