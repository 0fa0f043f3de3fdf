"""Figures and tables of a network, against counts by hand."""

from __future__ import annotations

import torch
from models_tiny import tiny_clip, tiny_network

from vcc.compression import file_config
from vcc.models import build_model, count_macs, count_parameters, describe, layer_table
from vcc.models.pixels import PixelClassifier
from vcc.models.summary import table_csv, table_text


class TestCounts:
    def test_macs_of_a_layer_by_hand(self):
        model = build_model(
            "resnet", n_classes=5, width_mult=0.125, sample_size=32, sample_duration=8
        )
        rows = {row.name: row for row in layer_table(model)}
        # 8 filters of 3x7x7x7 at 8x16x16 places; BatchNorm: two per element.
        assert rows["conv1"].macs == 8 * 3 * 343 * 8 * 16 * 16
        assert rows["bn1"].macs == 2 * 8 * 8 * 16 * 16
        assert rows["conv1"].shape == (8, 8, 16, 16)
        assert rows["conv1"].parameters == 8 * 3 * 343
        assert (rows["fc"].macs, rows["fc"].parameters) == (64 * 5 + 5, 64 * 5 + 5)

    def test_macs_follow_the_clip_size(self):
        model = tiny_network("mobilenetv2")
        assert count_macs(model, 48, 8) > 6 * count_macs(model, 24, 4)
        assert count_macs(model, 24, 4) == count_macs(model)

    def test_rows_add_up_to_the_parameters(self):
        model = tiny_network("csn26ip")
        assert sum(row.parameters for row in layer_table(model)) == count_parameters(model)

    def test_wrappers_count_like_the_network(self):
        model = tiny_network("resnet10a")
        wrapped = PixelClassifier(model, mean=(0, 0, 0), std=(1, 1, 1))
        assert count_macs(wrapped) == count_macs(model)

    def test_a_quantized_layer_counts_like_the_layer_it_stands_for(self):
        model = tiny_network("resnet10a")
        dense = {row.name: row.macs for row in layer_table(model) if "Conv" in row.type}
        span = {"starting_epoch": 0, "ending_epoch": 1, "frequency": 1}
        schedule = {
            "quantizers": {
                "q": {"class": "DorefaQuantizer", "bits_weights": 4, "bits_activations": 4}
            },
            "policies": [{"quantizer": {"instance_name": "q"}, **span}],
        }
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = file_config(model, optimizer, schedule, example_input=tiny_clip())
        scheduler.on_epoch_begin(0)
        scheduler.on_minibatch_begin(0, 0, 1)
        rows = {row.name: row for row in layer_table(model) if "Conv" in row.type}
        assert any(row.type == "QuantConv3d" for row in rows.values())
        assert {name: row.macs for name, row in rows.items()} == dense

    def test_counting_changes_nothing(self):
        model = tiny_network("resnet18b").train()
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        describe(model)
        assert model.training
        assert model.conv1.weight.device.type == "cpu"
        for name, tensor in model.state_dict().items():
            assert torch.equal(tensor, before[name])

    def test_sparsity_is_the_share_of_zeros(self):
        model = tiny_network("resnet10a")
        with torch.no_grad():
            model.conv1.weight[:2] = 0
        rows = {row.name: row for row in layer_table(model)}
        assert rows["conv1"].sparsity == 0.25
        assert rows["fc"].sparsity == 0.0


class TestTables:
    def test_csv_has_a_row_per_layer(self):
        rows = layer_table(tiny_network("resnet10a"))
        lines = table_csv(rows).splitlines()
        assert lines[0] == "Name,Type,Shape,Parameters,MACs,Sparsity"
        assert len(lines) == 1 + len(rows)
        assert lines[1].startswith("conv1,Conv3d,8x4x12x12,8232,")

    def test_text_lines_up(self):
        lines = table_text(layer_table(tiny_network("resnet10a"))).splitlines()
        assert len({len(line) for line in lines}) == 1

    def test_describe_names_the_network(self):
        text = describe(tiny_network("resnet10a"))
        assert text.startswith("resnet10a-0.125: resnet (model_depth=10, resnet_shortcut=A")
        assert "GMACs for a clip of 4x24x24" in text
