"""Does this processor add products of int8 exactly, or in 16 bits that saturate?

x86 without VNNI (in AVX-512, in AVX2 or in AMX) does the latter, see
`vcc.config.overflow`. The flags say what a processor has; libraries can be told to use
less of it, and flags are not to be had everywhere. So where they promise exact sums, or say
nothing, one small convolution at the extremes is run in the runtime itself.
"""

from __future__ import annotations

import enum
import functools
import platform
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from vcc.config.export import RUNTIMES
from vcc.data.machine import cpu_flags
from vcc.errors import ExportError
from vcc.export.onnx_file import INPUT_NAME, OUTPUT_NAME

# Any of these adds four products in 32 bits at once.
EXACT_FLAGS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8", "avx_vnni_int8"})
_X86 = ("x86_64", "amd64", "i386", "i686", "x86")
_CHANNELS = 32


class Sums(enum.Enum):
    """How int8 products are added."""

    EXACT = "exact"
    SATURATE = "saturate"
    UNKNOWN = "unknown"


def sums_by_flags(machine: str, flags: frozenset[str]) -> Sums:
    """Return how a processor adds int8 products, as its kind and flags say.

    Args:
        machine: what `platform.machine()` calls it.
        flags: of the processor, see `cpu_flags`.
    """
    if machine.lower() not in _X86:
        # Arm and the others have no instruction that adds pairs of products in 16 bits so.
        return Sums.EXACT
    if not flags:
        return Sums.UNKNOWN
    return Sums.EXACT if flags & EXACT_FLAGS else Sums.SATURATE


def int8_sums(provider: str) -> Sums:
    """Return how a provider adds int8 products here; GPUs do it exactly.

    Unknown where the flags are and the provider does not run here.

    Args:
        provider: a registered name.
    """
    if RUNTIMES.get(provider).on_gpu:
        return Sums.EXACT
    by_flags = sums_by_flags(platform.machine(), cpu_flags())
    if by_flags is Sums.SATURATE:
        return by_flags
    tried = sums_as_run(provider)
    return by_flags if tried is Sums.UNKNOWN else tried


@functools.cache
def sums_as_run(provider: str) -> Sums:
    """Return how a provider adds int8 products, by a convolution of 255 and 127 in it.

    Args:
        provider: a registered name.
    """
    pixels = np.full((1, _CHANNELS, 3, 3, 3), 255, np.float32)
    meant = 255.0 * 127.0 * _CHANNELS * 27
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "extremes.onnx"
            onnx.save(_extremes(), str(path))
            session = RUNTIMES.get(provider)().open(path, threads=1, precision="int8")
            found = float(session.run(pixels).max())
    except (ExportError, OSError):
        return Sums.UNKNOWN
    return Sums.EXACT if abs(found - meant) <= 1e-4 * meant else Sums.SATURATE


def _extremes() -> onnx.ModelProto:
    """Return a quantized convolution of 32 channels whose weights are all 127."""
    node, stored = onnx.helper.make_node, numpy_helper.from_array
    shape: list[str | int | None] = ["clips", _CHANNELS, 3, 3, 3]
    one, zero = np.float32(1), np.uint8(0)
    # The largest sum is level 255 of the output.
    top = np.float32(127.0 * _CHANNELS * 27)
    graph = onnx.helper.make_graph(
        [
            node("QuantizeLinear", [INPUT_NAME, "one", "zero"], ["q"]),
            node("DequantizeLinear", ["q", "one", "zero"], ["x"]),
            node("DequantizeLinear", ["levels", "ones", "zeros"], ["w"], axis=0),
            node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3, 3]),
            node("QuantizeLinear", ["y", "top", "zero"], ["p"]),
            node("DequantizeLinear", ["p", "top", "zero"], [OUTPUT_NAME]),
        ],
        "extremes",
        [onnx.helper.make_tensor_value_info(INPUT_NAME, onnx.TensorProto.FLOAT, shape)],
        [onnx.helper.make_tensor_value_info(OUTPUT_NAME, onnx.TensorProto.FLOAT, None)],
        [
            stored(np.asarray(one), "one"),
            stored(np.asarray(zero), "zero"),
            stored(np.asarray(top), "top"),
            stored(np.ones(_CHANNELS, np.float32), "ones"),
            stored(np.zeros(_CHANNELS, np.int8), "zeros"),
            stored(np.full((_CHANNELS, _CHANNELS, 3, 3, 3), 127, np.int8), "levels"),
        ],
    )
    opset = onnx.helper.make_opsetid("", 20)
    return onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9)
