"""ONNX Runtime on one of its execution providers.

It falls back to the CPU without a word when a provider cannot start, and lists providers that
cannot: the session is asked afterwards, and a difference is an error.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import statistics
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from vcc.errors import ExportError
from vcc.export.onnx_file import INPUT_NAME, OUTPUT_NAME
from vcc.export.runtimes.session import Array, Coverage, Node, NodeTime, Pixels, Session

_FATAL = 4
_PROFILE_WARMUP = 3
_RUN_OF_A_NODE = "_kernel_time"
ORT_PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
_FLOAT_LAYERS = {"Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul", "NhwcFusedConv"}
_INT8_LAYERS = {"QLinearConv", "QGemm", "QLinearMatMul", "ConvInteger", "MatMulInteger",
                "MatMulIntegerToFloat", "DynamicQuantizeMatMul"}  # fmt: skip


class OnnxRuntimeSession(Session):
    """A file in ONNX Runtime.

    Args:
        path: the ONNX file.
        provider: cpu, cuda or tensorrt.
        threads: CPU threads.
        precision: what the file's layers compute in.

    Raises:
        ExportError: the file cannot be loaded or the provider does not start.
    """

    def __init__(self, path: Path, *, provider: str, threads: int, precision: str = "f32") -> None:
        wanted = ORT_PROVIDERS[provider]
        # It writes pages to the terminal about a provider that cannot start; our error says it.
        onnxruntime.set_default_logger_severity(_FATAL)
        if wanted not in onnxruntime.get_available_providers():
            msg = (
                f"provider {provider}: this onnxruntime has no {wanted}; "
                "see `python -m entrypoints.doctor` for what this machine can run"
            )
            raise ExportError(msg)
        if provider != "cpu":
            _find_libraries(provider)
        self.path, self._threads = path, threads
        self._providers = _provider_list(provider, precision)
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), sess_options=self._settings(), providers=self._providers,
                enable_fallback=0,
            )  # fmt: skip
        except Exception as error:
            # ONNX Runtime's errors share no public base class.
            msg = f"provider {provider}: onnxruntime cannot load {path} on {wanted}: {error}"
            raise ExportError(msg) from error
        active = self._session.get_providers()[0]
        if active != wanted:
            msg = f"provider {provider}: {wanted} did not start, only {active} would run"
            raise ExportError(msg)
        self._on_gpu = provider != "cpu"
        self.runtime = f"onnxruntime {active.removesuffix('ExecutionProvider')}"
        self.precision = precision

    def run(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Return logits [N,C] for pixels 0..255, float32 [N,3,T,H,W]."""
        logits: npt.NDArray[np.float32]
        if self._on_gpu:
            # Bound buffers: the runtime's own copies go through pageable memory twice.
            binding = self._session.io_binding()
            on_gpu = onnxruntime.OrtValue.ortvalue_from_numpy(pixels, "cuda", 0)
            binding.bind_ortvalue_input(INPUT_NAME, on_gpu)
            binding.bind_output(OUTPUT_NAME, "cuda")
            self._session.run_with_iobinding(binding)
            logits = binding.copy_outputs_to_cpu()[0]
        else:
            logits = self._session.run([OUTPUT_NAME], {INPUT_NAME: pixels})[0]
        return logits

    def coverage(self) -> Coverage:
        """Return which layers run in int8; TensorRT does not show its engine."""
        if self._providers[0][0] == ORT_PROVIDERS["tensorrt"]:
            return Coverage(runtime=self.runtime, nodes=None)
        with tempfile.TemporaryDirectory() as folder:
            settings = self._settings()
            settings.optimized_model_filepath = str(Path(folder) / "optimised.onnx")
            onnxruntime.InferenceSession(
                str(self.path), sess_options=settings, providers=self._providers
            )
            graph = onnx.load(settings.optimized_model_filepath).graph
        layers = [n for n in graph.node if n.op_type in _FLOAT_LAYERS | _INT8_LAYERS]
        return Coverage(
            runtime=self.runtime,
            nodes=tuple(
                Node(name=n.name, kernel=n.op_type, int8=n.op_type in _INT8_LAYERS) for n in layers
            ),
        )

    def node_times(self, pixels: Pixels, *, runs: int) -> tuple[NodeTime, ...] | None:
        """Return what every node takes, by ONNX Runtime's own profile; a GPU's is of its host."""
        if self._on_gpu:
            return None
        with tempfile.TemporaryDirectory() as folder:
            settings = self._settings()
            settings.enable_profiling = True
            settings.profile_file_prefix = str(Path(folder) / "profile")
            session = onnxruntime.InferenceSession(
                str(self.path), sess_options=settings, providers=self._providers
            )
            for _ in range(_PROFILE_WARMUP + runs):
                session.run([OUTPUT_NAME], {INPUT_NAME: pixels})
            events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
        return _by_node(events)

    def outputs_of(self, path: Path) -> Callable[[Pixels], list[Array]] | None:
        """Return what runs another graph on the CPU; a GPU's engine fuses what nobody reads."""
        if self._on_gpu:
            return None
        session = onnxruntime.InferenceSession(
            str(path), sess_options=self._settings(), providers=self._providers
        )
        return lambda pixels: list(session.run(None, {INPUT_NAME: pixels}))

    def _settings(self) -> Any:
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = self._threads
        settings.log_severity_level = _FATAL
        return settings


def _by_node(events: list[Mapping[str, Any]]) -> tuple[NodeTime, ...]:
    """Return the median time of every node of a profile, in the order of their first runs."""
    times: dict[str, list[float]] = {}
    kinds: dict[str, str] = {}
    for event in events:
        name, is_run, _ = str(event.get("name", "")).partition(_RUN_OF_A_NODE)
        if event.get("cat") == "Node" and is_run:
            times.setdefault(name, []).append(float(event["dur"]) / 1000)
            kinds[name] = str(event["args"]["op_name"])
    return tuple(
        NodeTime(
            name=name,
            operation=kinds[name],
            kernel=kinds[name],
            ms=statistics.median(each[_PROFILE_WARMUP:]),
        )
        for name, each in times.items()
    )


def cuda_is_usable() -> bool:
    """Return whether ONNX Runtime has its CUDA provider and PyTorch sees a GPU."""
    if ORT_PROVIDERS["cuda"] not in onnxruntime.get_available_providers():
        return False
    import torch

    return bool(torch.cuda.is_available())


def _find_libraries(provider: str) -> None:
    # The CUDA libraries that torch brought along; absent from the CPU-only package.
    if hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()
    if provider == "tensorrt" and importlib.util.find_spec("tensorrt") is not None:
        # Its package keeps its libraries beside itself and loads them when it is imported.
        importlib.import_module("tensorrt")


def _provider_list(provider: str, precision: str) -> list[tuple[str, dict[str, str]]]:
    # TF32 rounds to ten bits, which is not what is compared as float32.
    cuda = (ORT_PROVIDERS["cuda"], {"use_tf32": "0" if precision == "f32" else "1"})
    if provider == "cuda":
        return [cuda]
    if provider == "tensorrt":
        flags = {
            "trt_int8_enable": str(precision == "int8"),
            "trt_fp16_enable": str(precision in ("int8", "f16")),
        }
        # What TensorRT does not take runs on CUDA.
        return [(ORT_PROVIDERS["tensorrt"], flags), cuda]
    return [(ORT_PROVIDERS["cpu"], {})]
