"""The table of layers of a compression."""

from __future__ import annotations

import csv
import io

import torch
from models_tiny import tiny_network

from vcc.compression.decomposition.decompose import Decomposer, decompose_
from vcc.compression.decomposition.ranks import RankRule
from vcc.compression.masks.sparsity import sparsity_table
from vcc.models.summary import layer_table
from vcc.pipeline.compress.report import layers_csv
from vcc.pipeline.full.layer_pictures import _as_named_before


def test_a_decomposed_layer_has_the_figures_of_its_parts() -> None:
    model = tiny_network("resnet10a")
    before, weights = layer_table(model), {row.name: row for row in sparsity_table(model)}
    plan = Decomposer(weights=("conv1.weight",), form="spatial_temporal", rule=RankRule(rank=(2,)))
    report = decompose_(model, plan, torch.zeros(1, 3, 4, 24, 24, dtype=torch.float64))

    rows = list(csv.reader(io.StringIO(layers_csv(before, model))))

    name, _, then, now, macs_then, macs_now, *_ = next(row for row in rows if row[0] == "conv1")
    assert (int(macs_then), int(macs_now)) == (report.macs_before, report.macs)
    assert int(now) == sum(parameter.numel() for parameter in model.conv1.parameters())
    assert int(now) < int(then)
    shown = {row.name: row for row in _as_named_before(sparsity_table(model), weights)}
    assert shown.keys() == weights.keys()
    assert shown[f"{name}.weight"].numel == int(now)
