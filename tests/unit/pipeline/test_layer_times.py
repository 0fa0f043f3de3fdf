"""Times of layers are measured once and kept; a network's latency is a line over their sum."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from torch import nn

import vcc.pipeline.layer_times as layer_times
from vcc.errors import DataError
from vcc.export.layer_latency import LayerShape
from vcc.pipeline.layer_times import LayerTable, Line, layer_shapes


def layer(inputs: int, outputs: int) -> LayerShape:
    return LayerShape(inputs=inputs, outputs=outputs, kernel=(1, 1, 1), size=(1, 1, 1))


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[LayerShape]:
    """Every layer takes a millisecond per product; returns those that were timed."""
    found: list[LayerShape] = []

    def time_layer(shape: LayerShape, **_: object) -> float:
        found.append(shape)
        return float(shape.macs)

    monkeypatch.setattr(layer_times, "time_layer", time_layer)
    return found


def test_a_layer_is_timed_once_ever(timed: list[LayerShape], tmp_path: Path) -> None:
    for _ in range(2):
        table = LayerTable(tmp_path, "cpu")
        assert table.sum_of([layer(8, 16), layer(16, 8)], int8=False) == 256
    assert timed == [layer(8, 16), layer(16, 8)]
    kept = json.loads(table.path.read_text())
    assert kept["machine"]["provider"] == "cpu"
    assert len(kept["milliseconds"]) == 2


def test_vectors_are_whole_and_many_of_them_coarse(timed: list[LayerShape], tmp_path: Path) -> None:
    table = LayerTable(tmp_path, "cpu")
    assert table.milliseconds(layer(3, 5), int8=False) == 3 * 8
    # 130 channels are 136 in vectors, timed as 160.
    assert table.milliseconds(layer(8, 130), int8=False) == pytest.approx(8 * 136)
    assert timed[-1].outputs == 160


def test_another_precision_is_another_layer(timed: list[LayerShape], tmp_path: Path) -> None:
    table = LayerTable(tmp_path, "cpu")
    table.sum_of([layer(8, 8)], int8=False)
    table.sum_of([layer(8, 8)], int8=True)
    assert len(timed) == 2


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "[" * 9000]
    + [f'{{"milliseconds": {{"a": {value}}}}}' for value in ("NaN", "1e999", "-1", '"x"', "null")],
)
def test_a_damaged_table_is_named(tmp_path: Path, text: str) -> None:
    path = LayerTable(tmp_path, "cpu").path
    path.write_text(text)
    with pytest.raises(DataError, match=r"is no table of layers' times .* delete it"):
        LayerTable(tmp_path, "cpu")


def test_a_line_meets_both_networks_unless_noise_turns_it() -> None:
    line = Line.through((1.0, 3.0), (5.0, 11.0))
    assert [line(total) for total in (1.0, 3.0, 5.0)] == [3.0, 7.0, 11.0]
    assert Line.through((1.0, 3.0), (5.0, 2.0))(10.0) == 4.0
    # No candidate is faster than the smallest was, whatever the noise of its layers.
    assert line(0.5) == 3.0


def test_layers_are_found_as_they_run() -> None:
    network = nn.Sequential(
        nn.Conv3d(3, 4, (1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(4 * 2 * 4 * 4, 2),
    )
    named = layer_shapes(network, (3, 2, 8, 8))
    assert [name for name, _ in named] == ["0", "3"]
    first, last = (shape for _, shape in named)
    assert (first.size, first.stride, first.padding) == ((2, 8, 8), (1, 2, 2), (0, 1, 1))
    assert (last.inputs, last.outputs, last.macs) == (128, 2, 256)
