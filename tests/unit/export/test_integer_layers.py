"""Integers of a runtime against exact ones: rounding is told from what is computed wrongly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from vcc.export.integer_layers import IntegerLayers, Layer, compare_layers
from vcc.export.onnx_file import INPUT_NAME, OUTPUT_NAME
from vcc.export.runtimes.session import Array, Pixels, Session

CLIPS = [
    np.random.default_rng(seed).uniform(0, 255, (2, 3, 1, 2, 2)).astype(np.float32)
    for seed in (0, 1)
]


def node(kind: str, inputs: list[str], output: str) -> Any:
    return helper.make_node(kind, inputs, [output], name=output)


def pair(source: str, name: str, scale: str) -> list[Any]:
    return [
        node("QuantizeLinear", [source, scale, "zero"], f"{name}_q"),
        node("DequantizeLinear", [f"{name}_q", scale, "zero"], name),
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of two linear layers of integers, whose weights are named as the exporter does."""
    rng = np.random.default_rng(3)
    floats = onnx.TensorProto.FLOAT
    nodes = [
        *pair(INPUT_NAME, "clip", "in_scale"),
        node("Flatten", ["clip"], "flat"),
        node("DequantizeLinear", ["network.first.weight", "w_scale"], "w1"),
        node("MatMul", ["flat", "w1"], "hidden"),
        *pair("hidden", "middle", "mid_scale"),
        node("DequantizeLinear", ["network.fc.weight", "w_scale"], "w2"),
        node("MatMul", ["middle", "w2"], OUTPUT_NAME),
    ]
    stored = {
        "in_scale": np.float32(1.0),
        "mid_scale": np.float32(8.0),
        "w_scale": np.float32(0.02),
        "zero": np.uint8(0),
        "network.first.weight": rng.integers(-60, 60, (12, 4), dtype=np.int8),
        "network.fc.weight": rng.integers(-60, 60, (4, 3), dtype=np.int8),
    }
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(INPUT_NAME, floats, ["n", 3, 1, 2, 2])],
        [helper.make_tensor_value_info(OUTPUT_NAME, floats, ["n", 3])],
        [numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    opset = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), str(tmp_path / "a.onnx"))
    return tmp_path / "a.onnx"


class Runtime(Session):
    """The file as it is, except for what is done to its outputs."""

    runtime, precision = "fake", "int8"

    def __init__(self, path: Path, spoil: Callable[[list[Array]], None] | None = None) -> None:
        self.path, self._spoil = path, spoil or (lambda outputs: None)

    def run(self, pixels: Pixels) -> Any:
        return self._run(self.path, pixels)[0]

    def outputs_of(self, path: Path) -> Any:
        return lambda pixels: self._run(path, pixels)

    def _run(self, path: Path, pixels: Pixels) -> list[Array]:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        outputs = list(session.run(None, {INPUT_NAME: pixels}))
        self._spoil(outputs)
        return outputs


def test_an_exact_runtime_is_off_by_nothing(path: Path) -> None:
    found = compare_layers(path, Runtime(path), CLIPS)
    assert found is not None
    # One for each quantized tensor, named by the layer that makes it, and the logits.
    assert [layer.name for layer in found.layers] == ["the input", "first", "fc"]
    assert found.levels <= 1
    assert found.same
    assert found.wrong == ()
    assert found.exact.shape == (4, 3)


def test_the_layer_that_is_computed_wrongly_is_named_with_its_levels(path: Path) -> None:
    def add(outputs: list[Array]) -> None:
        outputs[0] = outputs[0] + 1
        if len(outputs) > 1:
            # Half of the second tensor, by five levels; its values are far from both ends.
            outputs[2] = outputs[2].copy()
            outputs[2][:, :2] = np.clip(outputs[2][:, :2].astype(int) + 5, 0, 255)

    found = compare_layers(path, Runtime(path, add), CLIPS)
    assert found is not None
    assert not found.same
    first = found.layers[1]
    assert (first.name, first.levels, first.share) == ("first", 5.0, 0.5)
    assert [layer.name for layer in found.wrong] == ["first", "fc"]
    # The reference went on from the runtime's own integers, and the input's are right.
    assert found.layers[0].holds


def test_what_is_no_number_does_not_hold(path: Path) -> None:
    def spoil(outputs: list[Array]) -> None:
        outputs[0] = np.full_like(outputs[0], np.nan)

    found = compare_layers(path, Runtime(path, spoil), CLIPS)
    assert found is not None
    assert [layer.name for layer in found.wrong] == ["fc"]


def test_a_runtime_that_shows_nothing_is_not_judged_here(path: Path) -> None:
    class Silent(Runtime):
        def outputs_of(self, path: Path) -> Any:
            return None

    assert compare_layers(path, Silent(path), CLIPS) is None


@pytest.mark.parametrize(("levels", "holds"), [(0, True), (1, True), (2, False), (np.nan, False)])
def test_rounding_explains_one_level(levels: float, holds: bool) -> None:
    layer = Layer(name="conv", levels=levels, share=0.0)
    assert layer.holds == holds
    exact = np.zeros((1, 2), np.float32)
    assert bool(IntegerLayers(layers=(layer,), exact=exact).wrong) == (not holds)
    # The same logits in the end: what was shown is not what was computed with.
    assert IntegerLayers(layers=(layer,), exact=exact, same=True).wrong == ()
