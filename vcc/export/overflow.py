"""A file of 8-bit weights on a processor that saturates: told before it is run.

A *safe* file has weights that no sum of products can overflow with, on any processor; a *fast* one
uses all 8 bits and is right where products are added in 32 bits. Files that do not say are fast.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from vcc.config.overflow import FAST
from vcc.errors import ExportError
from vcc.export.onnx_file import inspect_file
from vcc.export.runtimes.processor import Sums, int8_sums

if TYPE_CHECKING:
    from torch import nn


def overflow_problem(path: Path, provider: str) -> str | None:
    """Return one line on what a file's sums do here; None where they are right.

    Args:
        path: an ONNX file.
        provider: cpu, openvino, cuda or tensorrt.
    """
    facts = inspect_file(path)
    if not facts.quantized or facts.quant_target == "tensorrt":
        return None
    sums = int8_sums(provider)
    if facts.overflow == FAST:
        return _problem(path.name, sums)
    return _signed_problem(path.name, provider, sums) if facts.signed else None


def network_problem(model: nn.Module, *, name: str) -> str | None:
    """Return one line on what a file of a quantized network would do here; None where it is right.

    PyTorch computes in float what exact sums give, on any processor: figures of a network hold for
    its file only where that does, too.
    """
    # Here: a process that only opens files must not carry PyTorch's memory.
    from vcc.models.quantized.plan import overflow_of_network, reads_signed_integers

    overflow = overflow_of_network(model)
    if overflow is None:
        return None
    provider = "openvino" if importlib.util.find_spec("openvino") else "cpu"
    sums = int8_sums(provider)
    if overflow == FAST:
        return _problem(name, sums)
    return _signed_problem(name, provider, sums) if reads_signed_integers(model) else None


def _problem(name: str, sums: Sums) -> str | None:
    if sums is Sums.EXACT:
        return None
    what = (
        "int8 sums saturate in 16 bits on this processor, and answers are wrong"
        if sums is Sums.SATURATE
        else "whether int8 sums saturate on this processor is unknown: answers may be wrong"
    )
    return (
        f"{name}: is for processors with VNNI (overflow: fast), and {what}: take one with "
        "VNNI, or quantize again with overflow=safe"
    )


def _signed_problem(name: str, provider: str, sums: Sums) -> str | None:
    if provider != "openvino" or sums is Sums.EXACT:
        return None
    # oneDNN halves the weights of such layers, which 7 bits cannot prevent.
    return (
        f"{name}: its layers read integers around zero, for which OpenVINO rounds the weights once "
        "more on this processor: quantize again with quant_target: cpu, or run it by provider=cpu"
    )


def refuse_overflow(paths: Iterable[Path], provider: str) -> None:
    """Refuse files whose sums are wrong here, before anything is measured on them.

    Raises:
        ExportError: one of them is fast and this processor saturates, or may.
    """
    for path in paths:
        problem = overflow_problem(path, provider)
        if problem is not None:
            raise ExportError(problem)


def overflow_hint(path: Path) -> str:
    """Return what to do about a layer that is computed wrongly."""
    if inspect_file(path).overflow == FAST:
        return "its sums saturate in 16 bits where there is no VNNI: quantize with overflow=safe"
    return "run it by another provider, or leave that layer in float (overrides)"
