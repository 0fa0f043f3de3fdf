"""CUDA and TensorRT without a GPU: ONNX Runtime's sessions and provider lists are made up.

What is tested is what this project asks of them; that they do it was never seen here.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from export_toys import CLIP_SHAPE, ToyClassifier

from vcc.errors import ExportError
from vcc.export import runtime_table
from vcc.export.onnx_file import FILE_KEY, export_onnx, half_precision, read_metadata
from vcc.export.runtime_table import Candidate, time_runtimes
from vcc.export.runtimes import onnxruntime as module
from vcc.export.runtimes.catalog import choose_provider, open_session
from vcc.export.runtimes.onnxruntime import OnnxRuntimeSession

CUDA, TENSORRT, CPU = (
    f"{name}ExecutionProvider" for name in ("CUDA", "Tensorrt", "CPU")
)  # fmt: skip


class FakeRuntime:
    """Stands in for the module `onnxruntime` on a machine with a GPU."""

    def __init__(self, *, starts: tuple[str, ...] = (TENSORRT, CUDA, CPU)) -> None:
        self.starts = starts
        self.preloaded = 0
        self.made: list[Any] = []
        self.InferenceSession = self._session
        self.SessionOptions = SimpleNamespace
        self.OrtValue = SimpleNamespace(ortvalue_from_numpy=lambda *given: ("on", *given))

    def set_default_logger_severity(self, level: int) -> None:
        pass

    def get_available_providers(self) -> list[str]:
        return [TENSORRT, CUDA, CPU]

    def preload_dlls(self) -> None:
        self.preloaded += 1

    def _session(self, path: str, **given: Any) -> Any:
        session = FakeSession(path, given, self.starts)
        self.made.append(session)
        return session


class FakeSession:
    """Runs on the first of its providers that starts, as the real one does without a word."""

    def __init__(self, path: str, given: dict[str, Any], starts: tuple[str, ...]) -> None:
        self.path, self.given = path, given
        wanted = [name for name, _ in given["providers"]]
        self.active = [name for name in (*wanted, CPU) if name in starts]
        self.calls: list[Any] = []

    def get_providers(self) -> list[str]:
        return self.active

    def io_binding(self) -> Any:
        return SimpleNamespace(
            bind_ortvalue_input=lambda *given: self.calls.append(("input", *given)),
            bind_output=lambda *given: self.calls.append(("output", *given)),
            copy_outputs_to_cpu=lambda: [np.full((2, 5), 7, np.float32)],
        )

    def run_with_iobinding(self, binding: Any) -> None:
        self.calls.append("run")

    def run(self, names: list[str], inputs: dict[str, Any]) -> list[Any]:
        return [np.zeros((len(inputs["pixels"]), 5), np.float32)]


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    fake = FakeRuntime()
    monkeypatch.setattr(module, "onnxruntime", fake)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    return fake


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("gpu") / "toy.onnx"
    return export_onnx(
        ToyClassifier().eval(), path, clip_shape=CLIP_SHAPE, opset=20, metadata={"labels": ["a"]}
    )


@pytest.fixture(scope="module")
def integers(toy: Path) -> Path:
    """Return a file that says that its integers are TensorRT's."""
    model = onnx.load(str(toy))
    stored = onnx.numpy_helper.from_array(np.float32(1), "one")
    model.graph.initializer.append(stored)
    node = onnx.helper.make_node("DequantizeLinear", ["levels", "one"], ["value"])
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.int8(1), "levels"))
    model.graph.node.insert(0, node)
    onnx.helper.set_model_props(model, {FILE_KEY: '{"quant_target": "tensorrt"}'})
    path = toy.with_name("integers.onnx")
    onnx.save(model, str(path))
    return path


def test_cuda_runs_on_bound_buffers_with_the_libraries_that_torch_brought(
    gpu: FakeRuntime, toy: Path
) -> None:
    session = open_session(toy, provider="cuda", threads=3)
    assert session.runtime == "onnxruntime CUDA"
    assert gpu.preloaded == 1
    made = gpu.made[0]
    # Float32 is not compared with ten bits of it.
    assert made.given["providers"] == [(CUDA, {"use_tf32": "0"})]
    assert made.given["sess_options"].intra_op_num_threads == 3
    pixels = np.zeros((2, *CLIP_SHAPE), np.float32)
    assert (session.run(pixels) == 7).all()
    (_, name, (where, given, *place)), output, ran = made.calls
    assert (name, where, place) == ("pixels", "on", ["cuda", 0])
    assert given is pixels
    assert (output, ran) == (("output", "logits", "cuda"), "run")


def test_half_precision_may_use_every_unit(gpu: FakeRuntime, toy: Path) -> None:
    session = open_session(toy, provider="cuda", threads=1, precision="f16")
    assert session.precision == "f16"
    assert gpu.made[0].given["providers"] == [(CUDA, {"use_tf32": "1"})]


@pytest.mark.parametrize(
    ("name", "precision", "int8", "f16"),
    [("integers", "int8", "True", "True"), ("toy", "f16", "False", "True"),
     ("toy", "f32", "False", "False")],
)  # fmt: skip
def test_tensorrt_is_told_its_precision_and_leaves_the_rest_to_cuda(
    gpu: FakeRuntime, request: pytest.FixtureRequest, name: str, precision: str, int8: str, f16: str
) -> None:
    path: Path = request.getfixturevalue(name)
    asked = "auto" if precision == "int8" else precision
    session = open_session(path, provider="tensorrt", threads=1, precision=asked)
    assert (session.runtime, session.precision) == ("onnxruntime Tensorrt", precision)
    first, second = gpu.made[0].given["providers"]
    assert first == (TENSORRT, {"trt_int8_enable": int8, "trt_fp16_enable": f16})
    assert second[0] == CUDA
    assert session.coverage().nodes is None
    assert "does not show which layers" in session.coverage().as_text()


def test_tensorrt_s_package_is_asked_to_load_its_libraries(
    gpu: FakeRuntime, toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tensorrt.py").write_text("loaded = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tensorrt", raising=False)
    open_session(toy, provider="cuda", threads=1)
    assert "tensorrt" not in sys.modules
    open_session(toy, provider="tensorrt", threads=1)
    assert sys.modules["tensorrt"].loaded
    assert gpu.preloaded == 2
    del sys.modules["tensorrt"]


def test_a_provider_that_silently_gave_way_is_an_error(
    gpu: FakeRuntime, toy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gpu.starts = (CPU,)
    message = f"provider cuda: {CUDA} did not start, only {CPU} would run"
    with pytest.raises(ExportError, match=message):
        open_session(toy, provider="cuda", threads=1)
    with caplog.at_level(logging.WARNING):
        session = open_session(toy, provider="cuda", threads=1, allow_fallback=True)
    assert session.runtime == "onnxruntime CPU"
    assert message in caplog.text


def test_auto_is_cuda_where_it_can_start(gpu: FakeRuntime, toy: Path) -> None:
    assert choose_provider("auto", [toy]) == "cuda"


@pytest.fixture
def weightless(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each is measured in a process of its own, which takes seconds; it has its own tests.
    monkeypatch.setattr(runtime_table, "peak_bytes", lambda _asked: 1)


@pytest.mark.usefixtures("weightless")
def test_the_table_has_rows_for_the_gpu(gpu: FakeRuntime, toy: Path, tmp_path: Path) -> None:
    candidates = {"dense": Candidate(path=toy, clip_shape=CLIP_SHAPE, classifier=None)}
    table = time_runtimes(candidates, batches=[1], runs=5, warmup=1, threads=1, folder=tmp_path)
    ran = {(row.runtime, row.precision) for row in table.rows if row.latency is not None}
    assert {("onnxruntime CUDA", "f32"), ("onnxruntime CUDA", "f16")} <= ran
    assert ("onnxruntime Tensorrt", "f16") in ran
    # CUDA computes in what the file has; TensorRT chooses for itself.
    half = next(session for session in gpu.made if "-f16" in session.path)
    assert half.given["providers"][0][0] == CUDA


@pytest.mark.usefixtures("weightless")
@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_rows_that_were_not_run_say_so(toy: Path, tmp_path: Path) -> None:
    candidates = {"dense": Candidate(path=toy, clip_shape=CLIP_SHAPE, classifier=None)}
    table = time_runtimes(candidates, batches=[1], runs=5, warmup=1, threads=1, folder=tmp_path)
    missing = {(row.runtime, row.precision) for row in table.rows if row.latency is None}
    assert {("cuda", "f32"), ("cuda", "f16"), ("tensorrt", "f16")} <= missing
    # Rows that share a reason share a line.
    (line,) = (line for line in table.not_run() if line.startswith("not run: cuda f32"))
    assert ": provider cuda: " in line


def test_the_half_precision_file_says_the_same_where_a_cpu_runs_it(
    toy: Path, tmp_path: Path
) -> None:
    path = half_precision(toy, tmp_path / "half.onnx")
    graph = onnx.load(str(path)).graph
    weights = {tensor.data_type for tensor in graph.initializer if len(tensor.dims) == 5}
    assert weights == {onnx.TensorProto.FLOAT16}
    assert read_metadata(path) == read_metadata(toy)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, *CLIP_SHAPE)).astype(np.float32)
    expected = OnnxRuntimeSession(toy, provider="cpu", threads=1).run(pixels)
    found = OnnxRuntimeSession(path, provider="cpu", threads=1).run(pixels)
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() <= 0.03 * np.abs(expected).max()


def test_integers_have_no_half_precision(integers: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="is quantized: f16 is for float networks"):
        half_precision(integers, tmp_path / "half.onnx")
    assert not list(tmp_path.iterdir())
