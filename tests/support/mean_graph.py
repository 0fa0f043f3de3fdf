"""An ONNX file that takes no network to write: its logits are the means of the three colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

from vcc.export.onnx_file import FILE_KEY, INPUT_NAME, OUTPUT_NAME

CLIP_SHAPE = (3, 2, 4, 4)


def write_mean_graph(path: Path, *, quant_target: str | None = None) -> Path:
    """Write the file; with `quant_target` it says that it has integers, for that runtime."""
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [helper.make_node("ReduceMean", [INPUT_NAME, "axes"], [OUTPUT_NAME], keepdims=0)]
    stored = [onnx.numpy_helper.from_array(np.array([2, 3, 4]), "axes")]
    if quant_target is not None:
        stored.append(onnx.numpy_helper.from_array(np.float32(1), "one"))
        stored.append(onnx.numpy_helper.from_array(np.int8(1), "levels"))
        nodes.insert(0, helper.make_node("DequantizeLinear", ["levels", "one"], ["value"]))
    graph = helper.make_graph(
        nodes,
        "means",
        [helper.make_tensor_value_info(INPUT_NAME, floats, ["clips", *CLIP_SHAPE])],
        [helper.make_tensor_value_info(OUTPUT_NAME, floats, ["clips", 3])],
        stored,
    )
    opset = helper.make_opsetid("", 20)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=9)
    if quant_target is not None:
        helper.set_model_props(model, {FILE_KEY: f'{{"quant_target": "{quant_target}"}}'})
    onnx.save(model, str(path))
    return path
