"""OpenVINO on the CPU."""

from __future__ import annotations

import functools
import importlib.util
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vcc.errors import ExportError
from vcc.export.runtimes.session import Array, Coverage, Node, NodeTime, Pixels, Session
from vcc.telemetry import silent_openvino

_LAYERS = ("Convolution", "GroupConvolution", "FullyConnected", "MatMul")
# Shapes that get a graph of their own; further ones share one with a dynamic batch.
_STATIC_BATCHES = 3
# Runs before nodes are timed.
_PROFILE_WARMUP = 3
_NO_DYNAMIC_QUANTIZATION = {"DYNAMIC_QUANTIZATION_GROUP_SIZE": 0}
_CAPABILITY = {"bf16": "BF16", "f16": "FP16"}


class OpenVinoSession(Session):
    """A file in OpenVINO, compiled for each batch size, since fixed shapes run faster.

    Args:
        path: the ONNX file.
        threads: CPU threads.
        precision: f32, bf16 or f16 for what the graph keeps in float; int8 for a quantized graph,
            whose rest is then in float32.

    Raises:
        ExportError: it is not installed, cannot load the file or cannot compute in `precision`.
    """

    def __init__(self, path: Path, *, threads: int, precision: str = "f32") -> None:
        if importlib.util.find_spec("openvino") is None:
            msg = "provider openvino: not installed: pip install openvino"
            raise ExportError(msg)
        self._core = start_openvino()
        capability = _CAPABILITY.get(precision)
        if capability and capability not in self._core.get_property(
            "CPU", "OPTIMIZATION_CAPABILITIES"
        ):
            msg = f"provider openvino: this CPU has no {precision} instructions"
            raise ExportError(msg)
        # Its default is bfloat16 where the CPU has it: not what float32 is compared with.
        hint = precision if capability else "f32"
        self._settings = {
            "INFERENCE_PRECISION_HINT": hint,
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        self.path = path
        self._requests: dict[int | None, Any] = {}
        try:
            self._dynamic = self._compile(None, self._settings)
        except RuntimeError as error:
            msg = f"{path}: OpenVINO cannot load it: {error}"
            raise ExportError(msg) from error
        self.runtime = "OpenVINO CPU"
        self.precision = precision

    def run(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Return logits [N,C] for pixels 0..255, float32 [N,3,T,H,W]."""
        request = self._request(len(pixels), pixels.shape[1:])
        # A copy of the result: the request's own buffer is overwritten by its next run.
        logits: npt.NDArray[np.float32] = request.infer([pixels], share_inputs=True)[0].copy()
        return logits

    def coverage(self) -> Coverage:
        """Return which layers run in int8, by the kernels of the compiled graph."""
        nodes = []
        for node in self._dynamic.get_runtime_model().get_ops():
            facts = node.get_rt_info()
            if _text(facts, "layerType") in _LAYERS:
                # `runtimePrecision` says u8 for float kernels with integer input, too.
                kernel = _text(facts, "primitiveType")
                int8 = kernel.lower().endswith(("_i8", "_u8"))
                nodes.append(Node(name=node.get_friendly_name(), kernel=kernel, int8=int8))
        return Coverage(runtime=self.runtime, nodes=tuple(nodes))

    def node_times(self, pixels: Pixels, *, runs: int) -> tuple[NodeTime, ...]:
        """Return what every node takes, by OpenVINO's own counters."""
        settings = self._settings | {"PERF_COUNT": True}
        request = self._compile(pixels.shape, settings).create_infer_request()
        times: dict[str, list[float]] = {}
        for run in range(_PROFILE_WARMUP + runs):
            request.infer([pixels], share_inputs=True)
            facts = [each for each in request.profiling_info if each.status.name == "EXECUTED"]
            for each in facts if run >= _PROFILE_WARMUP else ():
                times.setdefault(each.node_name, []).append(1000 * each.real_time.total_seconds())
        return tuple(
            NodeTime(
                name=each.node_name,
                operation=each.node_type,
                kernel=each.exec_type,
                ms=statistics.median(times[each.node_name]),
            )
            for each in facts
        )

    def outputs_of(self, path: Path) -> Callable[[Pixels], list[Array]] | None:
        """Return what runs another graph by the same settings.

        A linear layer with int8 weights and float inputs would have these rounded by groups, by
        scales of its own: no other runtime can be held against that.
        """
        model = self._core.read_model(str(path))
        settings = self._settings | _NO_DYNAMIC_QUANTIZATION
        request = self._core.compile_model(model, "CPU", settings).create_infer_request()

        def run(pixels: Pixels) -> list[Array]:
            outputs = request.infer([pixels])
            return [np.array(outputs[place]) for place in range(len(outputs))]

        return run

    def _request(self, batch: int, clip: tuple[int, ...]) -> Any:
        known = batch if batch in self._requests or len(self._requests) < _STATIC_BATCHES else None
        if known not in self._requests:
            compiled = (
                self._dynamic if known is None else self._compile((batch, *clip), self._settings)
            )
            self._requests[known] = compiled.create_infer_request()
        return self._requests[known]

    def _compile(self, shape: tuple[int, ...] | None, settings: Mapping[str, Any]) -> Any:
        model = self._core.read_model(str(self.path))
        if shape is not None:
            model.reshape(list(shape))
        return self._core.compile_model(model, "CPU", settings)


def write_ir(path: Path, destination: Path) -> Path:
    """Write a file as OpenVINO's own: `destination`, an .xml, and its weights in a .bin beside it.

    Weights keep their types: integers stay integers, float32 is not halved.

    Raises:
        ExportError: OpenVINO cannot read the file.
    """
    core = start_openvino()
    import openvino

    try:
        model = core.read_model(str(path))
    except RuntimeError as error:
        msg = f"{path}: OpenVINO cannot load it: {error}"
        raise ExportError(msg) from error
    openvino.save_model(model, str(destination), compress_to_fp16=False)
    return destination


@functools.cache
def start_openvino() -> Any:
    """Import OpenVINO and return this process's only core, which lives as long as the process.

    A core gives the thread that makes it another stack for signals, and at its end puts back the
    one that it found. Of several, that can be the freed stack of another: the next Ctrl-C, or the
    end of a child process, would then end this one without a word.
    """
    with silent_openvino():
        import openvino

    return openvino.Core()


def _text(facts: Any, key: str) -> str:
    value = facts[key] if key in facts else ""  # noqa: SIM401 - it has no get
    return str(getattr(value, "value", value))
