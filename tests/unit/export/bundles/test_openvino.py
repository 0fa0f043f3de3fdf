"""OpenVINO's files hold what the ONNX file holds: the same answers, and integers as integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from bundle_files import SIZE, bundled, script_of, write_served_graph
from data_videos import smooth_frames, write_video

from vcc.config.serving import ServingOptions
from vcc.errors import ExportError
from vcc.export.bundles import openvino as module
from vcc.export.runtimes.openvino import OpenVinoSession, write_ir
from vcc.tracking.video_classifier import VideoClassifier


def test_it_answers_as_predict_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_served_graph(tmp_path / "m.onnx")
    folder = bundled("openvino", file, tmp_path / "bundle")
    video = write_video(tmp_path / "v.avi", smooth_frames(5) // 64 + 100)
    answer = script_of(folder, monkeypatch)["classify"](str(video))
    limits = ServingOptions()
    found = VideoClassifier(file, provider="openvino", threads=1, limits=limits).classify(video)
    scores = {each["label"]: each["score"] for each in answer["results"]}
    assert scores == pytest.approx(dict(zip(found.labels, found.scores, strict=True)), abs=0.02)


def write_int8(path: Path) -> Path:
    """Write a convolution of int8 weights and activations, as the exporter writes them."""
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    weights = np.random.default_rng(0).integers(-64, 64, (8, 3, 3, 3)).astype(np.int8)
    stored = {
        "w": weights, "ws": np.float32(0.01), "wz": np.int8(0),
        "xs": np.float32(1.0), "xz": np.uint8(0),
    }  # fmt: skip
    nodes = [
        helper.make_node("QuantizeLinear", ["pixels", "xs", "xz"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "xs", "xz"], ["x"]),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wf"]),
        helper.make_node("Conv", ["x", "wf"], ["logits"], name="conv"),
    ]
    graph = helper.make_graph(
        nodes,
        "int8",
        [helper.make_tensor_value_info("pixels", floats, ["clips", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("logits", floats, ["clips", 8, SIZE - 2, SIZE - 2])],
        [onnx.numpy_helper.from_array(np.asarray(value), key) for key, value in stored.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.save(model, str(path))
    return path


def test_integers_stay_integers(tmp_path: Path) -> None:
    file = write_int8(tmp_path / "int8.onnx")
    ir = write_ir(file, tmp_path / "int8.xml")
    before, after = (OpenVinoSession(path, threads=1, precision="int8") for path in (file, ir))
    nodes = after.coverage().nodes
    assert nodes is not None
    assert [node.int8 for node in nodes] == [node.int8 for node in before.coverage().nodes or ()]
    assert any(node.int8 for node in nodes)
    # 648 weights of a byte each, and little else.
    assert ir.with_suffix(".bin").stat().st_size < 2 * 648
    pixels = np.random.default_rng(1).uniform(0, 255, (2, 3, SIZE, SIZE)).astype(np.float32)
    np.testing.assert_array_equal(before.run(pixels), after.run(pixels))


def test_without_openvino_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ExportError, match="bundle openvino: not installed: pip install openvino"):
        bundled("openvino", write_served_graph(tmp_path / "m.onnx"), tmp_path / "bundle")
