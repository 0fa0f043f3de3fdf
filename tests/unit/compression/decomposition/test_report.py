"""The report's text."""

from __future__ import annotations

from vcc.compression.decomposition.report import DecompositionReport, DecompositionRow


def test_the_text_has_a_row_per_layer_and_the_reasons():
    row = DecompositionRow(
        layer="conv1",
        form="spatial_temporal",
        ranks=(16,),
        full=(147,),
        energy=0.5,
        macs_before=2_000_000,
        macs=500_000,
        weight_error=0.7,
        output_error=0.25,
    )
    report = DecompositionReport((row, row), {"conv2": "depthwise"})

    head, first, second, left, total = report.as_text().splitlines()

    assert head.split()[:5] == ["layer", "form", "ranks", "full", "energy"]
    cells = ["conv1", "spatial_temporal", "16", "147", "0.500", "2.0", "0.5", "0.7", "0.25"]
    assert first.split() == cells
    assert first == second
    assert left == "conv2 is left alone: depthwise"
    assert total == "2 layers decomposed: 4.0 M MACs -> 1.0 M"


def test_nothing_done_is_said():
    assert "0 layers decomposed" in DecompositionReport(()).as_text()
