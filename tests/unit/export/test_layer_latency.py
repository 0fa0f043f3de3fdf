"""One layer alone: its graph computes a convolution, in integers where asked, and is timed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from vcc.export import layer_latency
from vcc.export.layer_latency import LayerShape, layer_graph, time_layer
from vcc.export.runtimes.catalog import open_session

SHAPE = LayerShape(
    inputs=4, outputs=6, kernel=(1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1), size=(2, 8, 8)
)


def test_multiply_accumulates_are_counted() -> None:
    # 2 x 4 x 4 outputs, each of 6 x 4 x 9 products.
    assert SHAPE.macs == 32 * 6 * 4 * 9
    grouped = LayerShape(inputs=8, outputs=8, groups=8, kernel=(1, 1, 1), size=(1, 1, 1))
    assert grouped.macs == 8


def test_layers_are_told_apart_by_all_of_their_shape() -> None:
    assert SHAPE.key() == "4 6 1 1x3x3 1x2x2 0x1x1 2x8x8"


@pytest.mark.parametrize("int8", [False, True])
def test_the_graph_is_that_convolution(int8: bool, tmp_path: Path) -> None:
    path = tmp_path / "layer.onnx"
    model = layer_graph(SHAPE, int8=int8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
    session = open_session(path, provider="cpu", threads=1)
    assert session.precision == ("int8" if int8 else "f32")
    found = session.run(np.full((1, 4, 2, 8, 8), 0.5, np.float32))
    assert found.shape == (1, 6, 2, 4, 4)
    # In the middle: 4 x 9 products of 0.5 and 0.01.
    assert found[0, 0, 0, 2, 2] == pytest.approx(0.18, abs=0.006)


def test_a_time_is_some_milliseconds() -> None:
    assert time_layer(SHAPE, provider="cpu", int8=False, threads=1) > 0


def test_a_busy_machine_is_given_more_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    took = iter([9.0, *[7.0] * 7, 5.0, *[6.0] * 8, 1.0])
    clock = 0.0

    def run() -> None:
        nonlocal clock
        clock += next(took) / 1000

    monkeypatch.setattr(layer_latency.time, "perf_counter", lambda: clock)
    assert layer_latency._quickest(run) == pytest.approx(5.0)
    assert next(took) == 1.0, "eight in a row were no quicker"
