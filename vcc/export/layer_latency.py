"""Times one layer alone in a runtime: a graph of a single convolution, in float or int8."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from vcc.config.export import RUNTIMES
from vcc.export.onnx_file import INPUT_NAME, OUTPUT_NAME

_WARMUP, _RUNS, _MOST_RUNS = 2, 8, 80
# A run counts as quicker by more than the clock wavers.
_QUICKER = 0.98


@dataclass(frozen=True, kw_only=True)
class LayerShape:
    """What a convolution's time depends on; a linear layer is one of 1x1x1 on one point.

    Attributes:
        inputs: channels that it reads.
        outputs: channels that it writes.
        kernel: (kT, kH, kW); stride likewise.
        padding: zeros before and after, in T, H and W.
        groups: of its channels.
        size: (T, H, W) of its input.
    """

    inputs: int
    outputs: int
    kernel: tuple[int, int, int]
    stride: tuple[int, int, int] = (1, 1, 1)
    padding: tuple[int, int, int] = (0, 0, 0)
    groups: int = 1
    size: tuple[int, int, int]

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one clip."""
        points = 1
        for size, kernel, stride, padding in zip(
            self.size, self.kernel, self.stride, self.padding, strict=True
        ):
            points *= kernel * max(1, (size + 2 * padding - kernel) // stride + 1)
        return points * self.outputs * self.inputs // self.groups

    def key(self) -> str:
        """Return it as text, by which a table of times knows it."""
        parts = [self.inputs, self.outputs, self.groups]
        shapes = (self.kernel, self.stride, self.padding, self.size)
        return " ".join([*map(str, parts), *("x".join(map(str, shape)) for shape in shapes)])


def time_layer(shape: LayerShape, *, provider: str, int8: bool, threads: int) -> float:
    """Return the milliseconds of a layer for one clip: the least of some runs.

    What else the machine does only ever adds to a time: the busier, the more runs it takes.

    Args:
        shape: of the layer.
        provider: a registered runtime.
        int8: quantize input, weight and output.
        threads: CPU threads, at least 1.

    Raises:
        ExportError: the runtime cannot run it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.onnx"
        onnx.save(layer_graph(shape, int8=int8), str(path))
        precision = "int8" if int8 else "f32"
        session = RUNTIMES.get(provider)().open(path, threads=threads, precision=precision)
        pixels = np.full((1, shape.inputs, *shape.size), 0.5, np.float32)
        for _ in range(_WARMUP):
            session.run(pixels)
        return _quickest(lambda: session.run(pixels))


def _quickest(run: Callable[[], object]) -> float:
    """Return the milliseconds of the quickest run, once several in a row were no quicker."""
    least, since = math.inf, 0
    for _ in range(_MOST_RUNS):
        started = time.perf_counter()
        run()
        now = 1000 * (time.perf_counter() - started)
        since = 0 if now < _QUICKER * least else since + 1
        least = min(least, now)
        if since == _RUNS:
            break
    return least


def layer_graph(shape: LayerShape, *, int8: bool) -> onnx.ModelProto:
    """Return the graph of a convolution and a ReLU; int8: between quantizers, as an export has."""
    node = onnx.helper.make_node
    weight = (shape.outputs, shape.inputs // shape.groups, *shape.kernel)
    attributes: dict[str, Any] = {
        "kernel_shape": list(shape.kernel),
        "strides": list(shape.stride),
        "pads": [*shape.padding, *shape.padding],
        "group": shape.groups,
    }
    if int8:
        nodes = [
            *_quantized(INPUT_NAME, "x"),
            node("DequantizeLinear", ["levels", "scales", "zeros"], ["w"], axis=0),
            node("Conv", ["x", "w"], ["y"], **attributes),
            node("Relu", ["y"], ["z"]),
            *_quantized("z", OUTPUT_NAME),
        ]
        tensors = {
            "levels": np.ones(weight, np.int8),
            "scales": np.full(shape.outputs, 0.01, np.float32),
            "zeros": np.zeros(shape.outputs, np.int8),
            "scale": np.asarray(0.01, np.float32),
            "zero": np.asarray(0, np.uint8),
        }
    else:
        nodes = [
            node("Conv", [INPUT_NAME, "w"], ["y"], **attributes),
            node("Relu", ["y"], [OUTPUT_NAME]),
        ]
        tensors = {"w": np.full(weight, 0.01, np.float32)}
    return _model(
        nodes,
        tensors,
        clip=["clips", shape.inputs, *shape.size],
        output=["clips", shape.outputs, None, None, None],
    )


def _quantized(source: str, target: str) -> list[onnx.NodeProto]:
    node = onnx.helper.make_node
    return [
        node("QuantizeLinear", [source, "scale", "zero"], [f"{target}.levels"]),
        node("DequantizeLinear", [f"{target}.levels", "scale", "zero"], [target]),
    ]


def _model(
    nodes: list[onnx.NodeProto],
    tensors: dict[str, Any],
    *,
    clip: list[str | int | None],
    output: list[str | int | None],
) -> onnx.ModelProto:
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "layer",
        [info(INPUT_NAME, onnx.TensorProto.FLOAT, clip)],
        [info(OUTPUT_NAME, onnx.TensorProto.FLOAT, output)],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    return onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=9
    )
