"""One interface over the runtimes that execute an exported file.

What was asked for is what runs: ONNX Runtime falls back to the CPU without a word when a provider
cannot start, so the session is asked afterwards and a difference is an error.
"""

from __future__ import annotations

import abc
import importlib.util
import logging
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from vcc.errors import ExportError
from vcc.export.onnx_file import INPUT_NAME, OUTPUT_NAME

_logger = logging.getLogger(__name__)

_ORT_FATAL = 4
Pixels = npt.NDArray[np.float32]
ORT_PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}


class Session(abc.ABC):
    """A loaded graph.

    Attributes:
        runtime: runtime and provider that really run it, such as "onnxruntime CPU".
    """

    runtime: str

    @abc.abstractmethod
    def run(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Return logits [N,C] for pixels 0..255, float32 [N,3,T,H,W]."""


def open_session(path: Path, *, provider: str, threads: int) -> Session:
    """Load an ONNX file in the runtime that `provider` names.

    Args:
        path: the ONNX file.
        provider: auto (CUDA when it starts, else CPU), cpu, cuda, tensorrt, or openvino.
        threads: CPU threads; 0 means one per core.

    Raises:
        ExportError: the file cannot be loaded or the provider cannot start.
    """
    threads = threads or os.cpu_count() or 1
    if provider == "openvino":
        return OpenVinoSession(path, threads=threads)
    if provider == "auto":
        provider = "cuda" if _cuda_is_usable() else "cpu"
    return OnnxRuntimeSession(path, provider=provider, threads=threads)


class OnnxRuntimeSession(Session):
    """ONNX Runtime on one of its execution providers."""

    def __init__(self, path: Path, *, provider: str, threads: int) -> None:
        wanted = ORT_PROVIDERS[provider]
        # It writes pages to the terminal about a provider that cannot start; our error says it.
        onnxruntime.set_default_logger_severity(_ORT_FATAL)
        if wanted not in onnxruntime.get_available_providers():
            msg = (
                f"provider {provider}: this onnxruntime has no {wanted}; "
                "see `python -m entrypoints.doctor` for what this machine can run"
            )
            raise ExportError(msg)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        settings.log_severity_level = _ORT_FATAL
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), sess_options=settings, providers=[wanted], enable_fallback=0
            )
        except Exception as error:
            # ONNX Runtime's errors share no public base class.
            msg = f"provider {provider}: onnxruntime cannot load {path} on {wanted}: {error}"
            raise ExportError(msg) from error
        active = self._session.get_providers()[0]
        if active != wanted:
            msg = f"provider {provider}: {wanted} did not start, {active} runs instead"
            raise ExportError(msg)
        self.runtime = f"onnxruntime {active.removesuffix('ExecutionProvider')}"

    def run(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Return logits [N,C] for pixels 0..255, float32 [N,3,T,H,W]."""
        logits: npt.NDArray[np.float32] = self._session.run([OUTPUT_NAME], {INPUT_NAME: pixels})[0]
        return logits


class OpenVinoSession(Session):
    """OpenVINO on the CPU, in float32 unless the graph itself is quantized."""

    def __init__(self, path: Path, *, threads: int) -> None:
        if importlib.util.find_spec("openvino") is None:
            msg = "provider openvino: not installed: pip install -e '.[openvino]'"
            raise ExportError(msg)
        import openvino

        # Its default precision is bfloat16 where the CPU has it: not what float32 is compared with.
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        try:
            self._compiled = openvino.Core().compile_model(str(path), "CPU", settings)
        except RuntimeError as error:
            msg = f"{path}: OpenVINO cannot load it: {error}"
            raise ExportError(msg) from error
        self.runtime = "OpenVINO CPU f32"

    def run(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Return logits [N,C] for pixels 0..255, float32 [N,3,T,H,W]."""
        logits: npt.NDArray[np.float32] = self._compiled([pixels])[0]
        return logits


def _cuda_is_usable() -> bool:
    if ORT_PROVIDERS["cuda"] not in onnxruntime.get_available_providers():
        return False
    import torch

    if not torch.cuda.is_available():
        return False
    # Finds the CUDA libraries that torch brought along.
    onnxruntime.preload_dlls()
    return True
