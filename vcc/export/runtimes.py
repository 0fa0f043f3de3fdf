"""One interface over the runtimes that execute an exported file.

What was asked for is what runs, or an error: a provider that cannot start is not replaced unless
the caller allows it, and then the session's record says what runs instead.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterable
from pathlib import Path

from vcc.data.machine import usable_cores
from vcc.errors import ExportError
from vcc.export.onnx_file import FileFacts, inspect_file
from vcc.export.overflow import overflow_problem
from vcc.export.session import Coverage, Session
from vcc.export.session_onnxruntime import ORT_PROVIDERS, OnnxRuntimeSession, cuda_is_usable
from vcc.export.session_openvino import OpenVinoSession, start_openvino

__all__ = [
    "ORT_PROVIDERS",
    "Coverage",
    "Session",
    "choose_provider",
    "import_runtime",
    "open_session",
]

_logger = logging.getLogger(__name__)

# The precisions that each provider can be asked for; auto is float32, or int8 as the file has it.
_PRECISIONS = {
    "cpu": ("f32",),
    "cuda": ("f32", "f16"),
    "tensorrt": ("f32", "f16"),
    "openvino": ("f32", "f16", "bf16"),
}


def import_runtime(provider: str) -> None:
    """Import the packages of a provider, so that what comes next is the file's alone."""
    if provider == "openvino" and importlib.util.find_spec("openvino"):
        start_openvino()


def choose_provider(provider: str, paths: Iterable[Path]) -> str:
    """Return what "auto" means for files that are compared: one provider for all of them.

    CUDA where it starts; else OpenVINO where it is installed and one of the files is quantized
    (ONNX Runtime's CPU int8 convolutions of video are slower than its float ones); else the CPU.
    """
    if provider != "auto":
        return provider
    if cuda_is_usable():
        return "cuda"
    quantized = any(inspect_file(path).quantized for path in paths)
    return "openvino" if quantized and importlib.util.find_spec("openvino") else "cpu"


def open_session(
    path: Path,
    *,
    provider: str,
    threads: int,
    precision: str = "auto",
    allow_fallback: bool = False,
) -> Session:
    """Load an ONNX file in the runtime that `provider` names.

    A file whose int8 sums saturate on this processor is loaded with a warning: whoever records
    figures of it refuses it before (`refuse_overflow`).

    Args:
        path: the ONNX file.
        provider: auto, cpu, cuda, tensorrt, or openvino.
        threads: CPU threads; 0 means one per core that this process may use.
        precision: f32, f16 or bf16 for a float file; auto is f32. A quantized file runs in int8.
        allow_fallback: run on ONNX Runtime's CPU provider what cannot run where it was asked to.

    Raises:
        ExportError: the file cannot be loaded, was quantized for another runtime, or the provider
            cannot start or not compute in `precision`.
    """
    threads = threads or usable_cores()
    provider = choose_provider(provider, [path])
    try:
        return _open(path, provider=provider, threads=threads, precision=precision)
    except ExportError as error:
        if not allow_fallback or provider == "cpu":
            raise
        _logger.warning("%s; allow_fallback: the CPU runs it instead", error)
        return _open(path, provider="cpu", threads=threads, precision="auto")


def _open(path: Path, *, provider: str, threads: int, precision: str) -> Session:
    facts = inspect_file(path)
    _check_target(path, facts, provider)
    if facts.quantized:
        precision = "int8"
        problem = overflow_problem(path, provider)
        if problem is not None:
            _logger.warning("%s", problem)
    else:
        precision = "f32" if precision == "auto" else precision
        if precision not in _PRECISIONS[provider]:
            known = ", ".join(_PRECISIONS[provider])
            msg = f"provider {provider}: cannot be asked for {precision}: it takes {known}"
            raise ExportError(msg)
    if provider == "openvino":
        return OpenVinoSession(path, threads=threads, precision=precision)
    return OnnxRuntimeSession(path, provider=provider, threads=threads, precision=precision)


def _check_target(path: Path, facts: FileFacts, provider: str) -> None:
    if not facts.quantized or facts.quant_target is None:
        return
    runs_on = "tensorrt" if provider == "tensorrt" else "cpu"
    if provider != "cuda" and facts.quant_target != runs_on:
        msg = (
            f"{path}: its integers are made for {facts.quant_target}, not for {provider}: "
            f"quantize with quant_target: {runs_on}"
        )
        raise ExportError(msg)
    if provider == "cuda":
        msg = (
            f"{path}: CUDA has no int8 convolution: run it by provider=tensorrt "
            "(quant_target: tensorrt) or export the float network with precision=f16"
        )
        raise ExportError(msg)
