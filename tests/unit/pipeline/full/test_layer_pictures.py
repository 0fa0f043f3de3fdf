"""What became of each layer's weights: removed, zero, or left, in the dense network's names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from vcc.compression.masks.sparsity import sparsity_table
from vcc.pipeline.full import layer_pictures as module
from vcc.pipeline.full.layer_pictures import draw_layers, log_layer_pictures


def network(width: int = 4) -> nn.Sequential:
    return nn.Sequential(nn.Conv3d(2, width, 1), nn.ReLU(), nn.Conv3d(width, 2, 1))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the figures are given."""
    found: dict[str, Any] = {}
    removed, sparsity = module.removed_figure, module.sparsity_figure

    def removed_figure(*words: Any) -> Any:
        found["removed"] = words
        return removed(*words)

    def sparsity_figure(layers: Any, **words: Any) -> Any:
        found["layers"] = {layer.name: layer for layer in layers}
        return sparsity(layers, **words)

    monkeypatch.setattr(module, "removed_figure", removed_figure)
    monkeypatch.setattr(module, "sparsity_figure", sparsity_figure)
    return found


def test_removed_and_zero_weights_are_shares_of_the_dense_ones(
    drawn: dict[str, Any], tmp_path: Path
) -> None:
    before, model = sparsity_table(network()), network(width=3)
    with torch.no_grad():
        model[0].weight[0] = 0
    draw_layers(before, model, tmp_path)
    names, then, now = drawn["removed"]
    assert names == ["0.weight", "2.weight"]
    # Of 8 weights 6 are there, two of them zero.
    assert (then, now) == ([8, 8], [4, 6])
    first = drawn["layers"]["0.weight"]
    assert (first.removed, first.zero) == (0.25, 0.25)
    assert {path.name for path in tmp_path.iterdir()} == {"weights.png", "sparsity.png"}


def test_parts_of_a_decomposed_layer_are_one(drawn: dict[str, Any], tmp_path: Path) -> None:
    before, model = sparsity_table(network()), network()
    model[2] = nn.Sequential(nn.Conv3d(4, 1, 1, bias=False), nn.Conv3d(1, 2, 1))
    draw_layers(before, model, tmp_path)
    names, then, now = drawn["removed"]
    assert names == ["0.weight", "2.weight"]
    assert (then[1], now[1]) == (8, 4 + 2)


def test_they_are_logged_with_a_compression(run: Any) -> None:
    log_layer_pictures(sparsity_table(network()), network(), run)
    assert run.files == ["layers/sparsity.png", "layers/weights.png"]
