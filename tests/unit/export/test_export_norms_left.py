"""A BatchNorm that no integer layer can take stays in float; one that a layer can is folded."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from vcc.errors import ExportError
from vcc.export.graph_passes import check_quantized, tidy


def graph(*, added: bool) -> onnx.ModelProto:
    """Return x -> convolution of int8 weights -> BatchNorm, with or without a sum in between."""
    stored = {
        "w": np.ones((2, 3, 1, 1), np.int8),
        "scale": np.full(2, 0.5, np.float32),
        "zero": np.zeros(2, np.int8),
        **{name: np.full(2, 2.0, np.float32) for name in ("gamma", "beta", "mean", "var")},
    }
    norm_in = "sum" if added else "c"
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "scale", "zero"], ["wf"], axis=0),
        helper.make_node("Conv", ["x", "wf"], ["c"], name="conv"),
        *([helper.make_node("Add", ["c", "c"], ["sum"])] if added else []),
        helper.make_node(
            "BatchNormalization", [norm_in, "gamma", "beta", "mean", "var"], ["y"], name="norm"
        ),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, n, 4, 4])
        for name, n in (("x", 3), ("y", 2))
    ]
    tensors = [numpy_helper.from_array(value, name) for name, value in stored.items()]
    return helper.make_model(helper.make_graph(nodes, "net", ends[:1], ends[1:], tensors))


def kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def test_one_that_alone_reads_a_layer_is_folded() -> None:
    model = graph(added=False)
    with pytest.raises(ExportError, match="BatchNorm norm could not be folded"):
        check_quantized(model, name="net.onnx")
    tidy(model)
    assert "BatchNormalization" not in kinds(model)
    check_quantized(model, name="net.onnx")


def test_one_that_reads_a_sum_stays() -> None:
    model = graph(added=True)
    tidy(model)
    assert kinds(model).count("BatchNormalization") == 1
    check_quantized(model, name="net.onnx")
