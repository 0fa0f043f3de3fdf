"""Under `make test-avx2` the libraries really use AVX2 only, with its saturating sums of int8."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from vcc.export.session_openvino import start_openvino

pytestmark = pytest.mark.skipif(
    os.environ.get("ONEDNN_MAX_CPU_ISA") != "AVX2", reason="`make test-avx2` sets the variables"
)

CHANNELS = 32


def extremes(level: int) -> bytes:
    """Return a quantized 3x3x3 convolution whose int8 weights are all of one level."""
    shape = ["clips", CHANNELS, 4, 8, 8]
    values = {
        "scale": np.float32(1 / 255),
        "zero": np.uint8(0),
        "levels": np.full((CHANNELS, CHANNELS, 3, 3, 3), level, np.int8),
        "scales": np.full(CHANNELS, 1 / 127, np.float32),
        "zeros": np.zeros(CHANNELS, np.int8),
    }
    graph = helper.make_graph(
        [
            helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["clips"]),
            helper.make_node("DequantizeLinear", ["levels", "scales", "zeros"], ["w"], axis=0),
            helper.make_node("Conv", ["clips", "w"], ["y"], kernel_shape=[3] * 3, pads=[1] * 6),
        ],
        "extremes",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


def run_in_openvino(level: int) -> float:
    pytest.importorskip("openvino")
    core = start_openvino()
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(extremes(level)), "CPU", settings)
    return float(compiled(np.ones((1, CHANNELS, 4, 8, 8), np.float32))[0].max())


def test_pytorch_takes_avx2() -> None:
    assert torch.backends.cpu.get_cpu_capability() == "AVX2"
    # oneDNN's, which has these in AVX-512 only.
    assert not torch.ops.mkldnn._is_mkldnn_bf16_supported()


def test_openvino_takes_avx2() -> None:
    # Two products of 255 and 127 are more than 16 bits hold, two of 255 and 64 are not.
    right = CHANNELS * 27 / 127
    assert run_in_openvino(127) < 0.6 * 127 * right
    assert run_in_openvino(64) == pytest.approx(64 * right, rel=1e-5)
