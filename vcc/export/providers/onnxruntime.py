"""ONNX Runtime's execution providers: its CPU kernels, CUDA and TensorRT."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from vcc.config.export import RUNTIMES
from vcc.export.providers.base import Provider

if TYPE_CHECKING:
    from vcc.export.runtimes.session import Session


class _OnnxRuntime(Provider):
    name: ClassVar[str]

    def open(self, path: Path, *, threads: int, precision: str) -> Session:
        """Return a session of a file; an error where another provider would run it."""
        from vcc.export.runtimes.onnxruntime import OnnxRuntimeSession

        return OnnxRuntimeSession(path, provider=self.name, threads=threads, precision=precision)


@RUNTIMES.register("cpu")
class OrtCpu(_OnnxRuntime):
    """The CPU, in float32 and int8."""

    name = "cpu"
    int8_target = "cpu"


@RUNTIMES.register("cuda")
class OrtCuda(_OnnxRuntime):
    """CUDA, which has no integers."""

    name = "cuda"
    precisions = ("f32", "f16")
    timed = ("f32", "f16")
    on_gpu = True
    no_int8 = (
        "CUDA has no int8 convolution: run it by provider=tensorrt "
        "(quant_target: tensorrt) or export the float network with precision=f16"
    )
    halves_file = True


@RUNTIMES.register("tensorrt")
class OrtTensorRt(_OnnxRuntime):
    """TensorRT, which takes integers of its own kind."""

    name = "tensorrt"
    precisions = ("f32", "f16")
    timed = ("f16",)
    on_gpu = True
    int8_target = "tensorrt"
