"""ONNX Runtime: what it answers, shows and refuses, without falling back in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from mean_graph import CLIP_SHAPE, write_mean_graph

from vcc.errors import ExportError
from vcc.export.runtimes import onnxruntime as module
from vcc.export.runtimes.onnxruntime import OnnxRuntimeSession, cuda_is_usable

PIXELS = np.random.default_rng(0).uniform(0, 255, (2, *CLIP_SHAPE)).astype(np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_mean_graph(tmp_path / "means.onnx")


def test_it_answers_as_the_graph_says(path: Path) -> None:
    session = OnnxRuntimeSession(path, provider="cpu", threads=1)
    np.testing.assert_allclose(session.run(PIXELS), PIXELS.mean((2, 3, 4)), rtol=1e-5)
    assert (session.runtime, session.precision) == ("onnxruntime CPU", "f32")
    assert session.path == path


def test_another_graph_runs_with_all_its_outputs(path: Path, tmp_path: Path) -> None:
    model = onnx.load(str(path))
    model.graph.node.append(onnx.helper.make_node("Neg", ["logits"], ["negative"]))
    shown = onnx.helper.make_tensor_value_info("negative", onnx.TensorProto.FLOAT, None)
    model.graph.output.append(shown)
    onnx.save(model, str(tmp_path / "two.onnx"))
    session = OnnxRuntimeSession(path, provider="cpu", threads=1)
    run = session.outputs_of(tmp_path / "two.onnx")
    assert run is not None
    logits, negative = run(PIXELS)
    np.testing.assert_array_equal(logits, -negative)
    # A GPU's engine fuses what nobody reads.
    session._on_gpu = True
    assert session.outputs_of(tmp_path / "two.onnx") is None


def linear_graph(path: Path, *, integers: bool) -> Path:
    """Write a file whose logits are a matrix product, in integers where asked for."""
    helper = onnx.helper
    pair = [
        helper.make_node("QuantizeLinear", ["flat", "s", "z"], ["q"], name="q"),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"], name="d"),
    ]
    nodes = [helper.make_node("Flatten", ["pixels"], ["flat"], name="flat")]
    nodes += pair if integers else []
    floats = onnx.TensorProto.FLOAT
    stored: dict[str, Any] = {}
    if integers:
        stored = {"s": np.float32(1), "z": np.uint8(0), "wz": np.int8(0)}
    stored["w"] = np.ones((96, 3), np.int8 if integers else np.float32)
    if integers:
        nodes.append(
            helper.make_node("DequantizeLinear", ["w", "s", "wz"], ["weight"], name="weight")
        )
    weight = "weight" if integers else "w"
    end = "product" if integers else "logits"
    nodes.append(
        helper.make_node("MatMul", ["d" if integers else "flat", weight], [end], name="product")
    )
    if integers:
        nodes += [
            helper.make_node("QuantizeLinear", ["product", "s", "z"], ["pq"], name="pq"),
            helper.make_node("DequantizeLinear", ["pq", "s", "z"], ["logits"], name="pd"),
        ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("pixels", floats, ["clips", *CLIP_SHAPE])],
        [helper.make_tensor_value_info("logits", floats, ["clips", 3])],
        [onnx.numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    opset = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), str(path))
    return path


@pytest.mark.parametrize("integers", [True, False])
def test_it_shows_which_layers_run_in_int8(tmp_path: Path, integers: bool) -> None:
    path = linear_graph(tmp_path / "linear.onnx", integers=integers)
    coverage = OnnxRuntimeSession(path, provider="cpu", threads=1).coverage()
    assert coverage.runtime == "onnxruntime CPU"
    assert coverage.nodes is not None
    assert [node.int8 for node in coverage.nodes] == [integers]
    assert bool(coverage.fell_back) != integers


def test_tensorrt_does_not_show_its_engine(path: Path) -> None:
    session = OnnxRuntimeSession(path, provider="cpu", threads=1)
    session._providers = module._provider_list("tensorrt", "int8")
    assert session.coverage().nodes is None


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(ExportError, match="provider cpu: onnxruntime cannot load .*bad.onnx on"):
        OnnxRuntimeSession(tmp_path / "bad.onnx", provider="cpu", threads=1)


def test_a_provider_that_is_not_there_is_no_other_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(ExportError, match="provider cuda: this onnxruntime has no CUDA.*doctor"):
        OnnxRuntimeSession(path, provider="cuda", threads=1)
    assert not cuda_is_usable()


def test_a_provider_that_did_not_start_is_told_by_what_runs(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fallen:
        def get_providers(self) -> list[str]:
            return ["CPUExecutionProvider"]

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: Fallen())
    monkeypatch.setattr(module, "_find_libraries", lambda provider: None)
    with pytest.raises(ExportError, match="CUDAExecutionProvider did not start, only CPUExec"):
        OnnxRuntimeSession(path, provider="cuda", threads=1)


@pytest.mark.parametrize(
    ("provider", "precision", "expected"),
    [
        ("cpu", "f32", [("CPUExecutionProvider", {})]),
        ("cuda", "f32", [("CUDAExecutionProvider", {"use_tf32": "0"})]),
        ("cuda", "f16", [("CUDAExecutionProvider", {"use_tf32": "1"})]),
        (
            "tensorrt",
            "int8",
            [
                (
                    "TensorrtExecutionProvider",
                    {"trt_int8_enable": "True", "trt_fp16_enable": "True"},
                ),
                ("CUDAExecutionProvider", {"use_tf32": "1"}),
            ],
        ),
    ],
)
def test_float32_is_not_rounded_to_ten_bits(
    provider: str, precision: str, expected: list[tuple[str, dict[str, str]]]
) -> None:
    assert module._provider_list(provider, precision) == expected
