"""One interface over the runtimes that execute an exported file.

What was asked for is what runs, or an error: a provider that cannot start is not replaced unless
the caller allows it, and then the session's record says what runs instead.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterable
from pathlib import Path

from vcc.config.export import RUNTIMES
from vcc.data.machine import usable_cores
from vcc.errors import ExportError
from vcc.export.onnx_file import FileFacts, inspect_file
from vcc.export.overflow import overflow_problem
from vcc.export.providers.base import Provider
from vcc.export.runtimes.onnxruntime import cuda_is_usable
from vcc.export.runtimes.session import Coverage, Session

__all__ = [
    "Coverage",
    "Session",
    "choose_provider",
    "import_runtime",
    "open_session",
    "provider_of",
]

_logger = logging.getLogger(__name__)


def provider_of(name: str) -> Provider:
    """Return the runtime of a name.

    Raises:
        ExportError: nobody registered one, or it cannot open files.
    """
    cls = RUNTIMES.get(name)
    if not issubclass(cls, Provider):
        msg = f"provider {name}: {cls.__qualname__} is no subclass of vcc.export.providers.base's"
        raise ExportError(msg)
    return cls()


def import_runtime(provider: str) -> None:
    """Import the packages of a provider, so that what comes next is the file's alone."""
    provider_of(provider).preload()


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
        provider: auto, or a registered name: cpu, cuda, tensorrt, openvino, ...
        threads: CPU threads; 0 means one per core that this process may use.
        precision: f32, f16 or bf16 for a float file; auto is f32 where the provider has it. A
            quantized file runs in int8.
        allow_fallback: run on ONNX Runtime's CPU provider what cannot run where it was asked to.

    Raises:
        ExportError: the file cannot be loaded, was quantized for another runtime, or the provider
            cannot start or not compute in `precision`; or it would fall back to a CPU on which
            its int8 sums saturate.
    """
    threads = threads or usable_cores()
    provider = choose_provider(provider, [path])
    try:
        return _open(path, provider=provider, threads=threads, precision=precision)
    except ExportError as error:
        if not allow_fallback or provider == "cpu":
            raise
        # What was asked for may add int8 products exactly; the CPU does so or not.
        problem = overflow_problem(path, "cpu")
        if problem is not None:
            msg = f"{error}; allow_fallback: the CPU cannot run it instead: {problem}"
            raise ExportError(msg) from error
        _logger.warning("%s; allow_fallback: the CPU runs it instead", error)
        return _open(path, provider="cpu", threads=threads, precision="auto")


def _open(path: Path, *, provider: str, threads: int, precision: str) -> Session:
    facts = inspect_file(path)
    runtime = provider_of(provider)
    _check_target(path, facts, provider, runtime)
    if facts.quantized:
        precision = "int8"
        problem = overflow_problem(path, provider)
        if problem is not None:
            _logger.warning("%s", problem)
    else:
        precision = runtime.precisions[0] if precision == "auto" else precision
        if precision not in runtime.precisions:
            known = ", ".join(runtime.precisions)
            msg = f"provider {provider}: cannot be asked for {precision}: it takes {known}"
            raise ExportError(msg)
    return runtime.open(path, threads=threads, precision=precision)


def _check_target(path: Path, facts: FileFacts, provider: str, runtime: Provider) -> None:
    if not facts.quantized or facts.quant_target is None:
        return
    if runtime.int8_target is None:
        msg = f"{path}: {runtime.no_int8}"
        raise ExportError(msg)
    if facts.quant_target != runtime.int8_target:
        msg = (
            f"{path}: its integers are made for {facts.quant_target}, not for {provider}: "
            f"quantize with quant_target: {runtime.int8_target}"
        )
        raise ExportError(msg)
