"""What this machine can run, found by trying it: a listed provider is not one that starts."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

import onnx
import torch

import vcc
from vcc.config.export import RUNTIMES
from vcc.data.machine import cpu_flags, package_version, usable_cores
from vcc.errors import ExportError, one_line
from vcc.export.onnx_file import INPUT_NAME, OUTPUT_NAME
from vcc.export.runtimes.catalog import open_session, provider_of
from vcc.export.runtimes.processor import EXACT_FLAGS, Sums, sums_as_run, sums_by_flags

_VERSIONS = ("torch", "torchvision", "lightning", "mlflow", "onnx", "onnxruntime-gpu",
             "onnxruntime", "openvino", "opencv-python-headless", "torch-pruning")  # fmt: skip
_INSTEAD_OF = {"onnxruntime": ("onnxruntime-gpu",), "onnxruntime-gpu": ("onnxruntime",)}
_CPU_FEATURES = (
    "avx2",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "avx_vnni",
    "amx_int8",
    "asimddp",
    "i8mm",
)


def findings() -> Iterator[tuple[str, str]]:
    """Yield (what was looked at, what was found) line by line."""
    yield "vcc", vcc.__version__
    yield "python", f"{platform.python_version()} on {platform.platform()}"
    for package in _VERSIONS:
        version = package_version(package)
        # One of the two is what there should be.
        if version or not any(map(package_version, _INSTEAD_OF.get(package, ()))):
            yield package, version or "not installed"
    cores = f"{usable_cores()} of {os.cpu_count()} cores usable"
    yield "CPU", f"{cpu_name()}, {cores}, {torch.get_num_threads()} torch threads"
    yield "CPU features", " ".join(cpu_features()) or "unknown"
    yield "int8 sums", int8_kind()
    yield "CUDA in torch", _cuda()
    with tempfile.TemporaryDirectory() as folder:
        graph = _tiny_graph(Path(folder))
        for provider in RUNTIMES.names():
            yield f"provider {provider}", _try_provider(provider, graph)


def problems() -> list[str]:
    """Return what must be mended before figures of this machine mean anything."""
    if package_version("onnxruntime") and package_version("onnxruntime-gpu"):
        return [
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other: "
            "pip uninstall both, then install onnxruntime-gpu alone"
        ]
    return []


def int8_kind() -> str:
    """Return how int8 products are added here, by the flags and as each runtime does it."""
    flags = cpu_flags()
    said = {
        Sums.EXACT: f"exact ({' '.join(sorted(EXACT_FLAGS & flags)) or platform.machine()})",
        Sums.SATURATE: "saturate in 16 bits (no VNNI): files of overflow=fast are wrong",
        Sums.UNKNOWN: "not known from flags",
    }
    on_cpu = [name for name in RUNTIMES if provider_of(name).int8_target == "cpu"]
    tried = ", ".join(f"{name} {_tried(name)}" for name in on_cpu)
    return f"{said[sums_by_flags(platform.machine(), flags)]}; as run: {tried}"


def _tried(provider: str) -> str:
    found = sums_as_run(provider)
    return "does not run" if found is Sums.UNKNOWN else f"{found.value}"


def cpu_features() -> list[str]:
    """Return what of this CPU matters to int8 and bfloat16 kernels."""
    return [feature for feature in _CPU_FEATURES if feature in cpu_flags()]


def cpu_name() -> str:
    """Return what the CPU calls itself."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _cuda() -> str:
    if torch.cuda.is_available():
        return f"{torch.version.cuda}, {torch.cuda.get_device_name(0)}"
    return f"no usable GPU (torch was built for CUDA {torch.version.cuda})"


def _try_provider(provider: str, graph: Path) -> str:
    try:
        return f"runs ({open_session(graph, provider=provider, threads=1).runtime})"
    except ExportError as error:
        return f"no: {one_line(error)}"


def _tiny_graph(folder: Path) -> Path:
    shape: list[str | int | None] = ["clips", 1]
    tensor = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", [INPUT_NAME], [OUTPUT_NAME])],
        "tiny",
        [tensor(INPUT_NAME, onnx.TensorProto.FLOAT, shape)],
        [tensor(OUTPUT_NAME, onnx.TensorProto.FLOAT, shape)],
    )
    opset = onnx.helper.make_opsetid("", 18)
    path = folder / "tiny.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9), str(path))
    return path
