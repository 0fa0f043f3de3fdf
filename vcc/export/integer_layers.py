"""Does a runtime compute a file's integers as they are meant, layer by layer?

Every tensor that a QuantizeLinear writes is an output of the runtime, and an input of a reference:
the same file, cut at these tensors, in plain float operations (ONNX Runtime without optimisations:
no integer kernel, nothing that saturates). Each layer so gets the very integers that the runtime
had, and no error of an earlier one. Rounding then explains one level; what is off by more is
computed wrongly, by sums that saturate in 16 bits for example.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from vcc.export.onnx_file import INPUT_NAME
from vcc.export.session import Array, Pixels, Session

# Half to even here, half up there, or a sum in float that ends on the other side of a half.
ROUNDING = 1
# Of the logits, which no integer follows: sums in another order, relative to the largest.
_FLOAT_TOLERANCE = 1e-4
_LAYERS = ("Conv", "Gemm", "MatMul")


@dataclass(frozen=True, kw_only=True)
class Layer:
    """How the integers of one tensor compare.

    Attributes:
        name: of the layer whose output they are, as the network calls it.
        levels: largest difference from exact arithmetic on the runtime's own inputs.
        share: of the integers that are off by more than rounding explains, 0..1.
    """

    name: str
    levels: float
    share: float

    @property
    def holds(self) -> bool:
        """Whether rounding explains the difference; not where it is no number."""
        return self.levels <= ROUNDING


@dataclass(frozen=True, kw_only=True)
class IntegerLayers:
    """What a comparison of integers found.

    Attributes:
        layers: one per quantized tensor, in the order of the graph, and the logits.
        exact: logits [N,C] of the whole file in exact arithmetic, for the same clips.
        same: whether the runtime's own logits are these, but for sums of floats in another order.
    """

    layers: tuple[Layer, ...]
    exact: Array
    same: bool = False

    @property
    def levels(self) -> float:
        """The largest difference of all, in levels."""
        return float(max((layer.levels for layer in self.layers), default=0.0))

    @property
    def wrong(self) -> tuple[Layer, ...]:
        """The layers that rounding does not explain; none where the logits are the same.

        To be shown its integers, a runtime plans its memory anew: OpenVINO 2026.4 then shows others
        behind the concatenations of a thinned SqueezeNet than those that it computes with.
        """
        return () if self.same else tuple(layer for layer in self.layers if not layer.holds)


def compare_layers(path: Path, session: Session, clips: Iterable[Pixels]) -> IntegerLayers | None:
    """Compare a runtime's integers with exact arithmetic on the same inputs.

    Args:
        path: the quantized file that the session runs.
        session: the runtime.
        clips: pixels 0..255, float32 [N,3,T,H,W].

    Returns:
        What was found; None where the runtime does not show its integers.
    """
    with tempfile.TemporaryDirectory() as folder:
        tapped = _Tapped(onnx.load(str(path)))
        shown = Path(folder) / "integers.onnx"
        onnx.save(tapped.model, str(shown))
        run = session.outputs_of(shown)
        if run is None:
            return None
        whole, cut = _reference(tapped.model), _reference(tapped.cut())
        found: list[list[Array]] = []
        meant: list[list[Array]] = []
        exact: list[Array] = []
        own: list[Array] = []
        for pixels in clips:
            own.append(session.run(pixels))
            outputs = run(pixels)
            found.append(outputs)
            meant.append(cut.run(None, {INPUT_NAME: pixels, **tapped.feed(outputs)}))
            exact.append(whole.run([tapped.logits], {INPUT_NAME: pixels})[0])
    logits = np.concatenate(exact)
    reach = _FLOAT_TOLERANCE * max(1.0, float(np.abs(logits).max()))
    same = bool((np.abs(np.concatenate(own) - logits) <= reach).all())
    return IntegerLayers(layers=tapped.judged(found, meant), exact=logits, same=same)


class _Tapped:
    """A graph whose quantized tensors are outputs as well: the logits first, then these."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        graph = model.graph
        self.logits = graph.output[0].name
        self._made_by = {output: node for node in graph.node for output in node.output}
        self._stored = {tensor.name: tensor for tensor in graph.initializer}
        self._nodes = [node for node in graph.node if node.op_type == "QuantizeLinear"]
        self.integers = [node.output[0] for node in self._nodes]
        for node in self._nodes:
            kind = self._stored[node.input[2]].data_type
            shown = onnx.helper.make_tensor_value_info(node.output[0], kind, None)
            graph.output.append(shown)

    def cut(self) -> onnx.ModelProto:
        """Return a copy that reads its quantized tensors instead of going on with its own."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        for node in model.graph.node:
            for place, name in enumerate(node.input):
                if name in self.integers:
                    node.input[place] = _given(name)
        for value in list(model.graph.output)[1:]:
            given = onnx.helper.make_tensor_value_info(
                _given(value.name), value.type.tensor_type.elem_type, None
            )
            model.graph.input.append(given)
        return model

    def feed(self, outputs: Sequence[Array]) -> dict[str, Array]:
        """Return the inputs of the cut graph from a runtime's outputs."""
        return {_given(name): value for name, value in zip(self.integers, outputs[1:], strict=True)}

    def judged(
        self, found: Sequence[Sequence[Array]], meant: Sequence[Sequence[Array]]
    ) -> tuple[Layer, ...]:
        """Return every tensor's comparison over all batches; the logits' in levels of float."""
        names = [self._layer(name) for name in (self.logits, *self.integers)]
        layers = []
        for place, name in enumerate(names):
            pairs = [(a[place], b[place]) for a, b in zip(found, meant, strict=True)]
            off = np.concatenate([_difference(a, b).ravel() for a, b in pairs])
            if place == 0:
                off /= _FLOAT_TOLERANCE * max(1.0, *(float(np.abs(b).max()) for _, b in pairs))
            # A comparison that is false for what is no number.
            wrong = ~(off <= ROUNDING)
            layers.append(Layer(name=name, levels=float(off.max()), share=float(wrong.mean())))
        return (*layers[1:], layers[0])

    def _layer(self, tensor: str) -> str:
        """Return the name of the nearest layer before a tensor, or the tensor's own."""
        waiting, seen = [tensor], set()
        while waiting:
            node = self._made_by.get(waiting.pop(0))
            if node is None or node.name in seen:
                continue
            if node.op_type in _LAYERS:
                return self._module(node)
            seen.add(node.name)
            waiting.extend(node.input)
        return "the input" if tensor != self.logits else tensor

    def _module(self, node: onnx.NodeProto) -> str:
        weight = self._made_by.get(node.input[1])
        name = weight.input[0] if weight is not None else node.input[1]
        return name.split(".weight")[0].removeprefix("network.") if ".weight" in name else node.name


def _reference(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    settings.log_severity_level = 4
    return onnxruntime.InferenceSession(
        model.SerializeToString(), sess_options=settings, providers=["CPUExecutionProvider"]
    )


def _difference(a: Array, b: Array) -> npt.NDArray[np.float64]:
    difference: npt.NDArray[np.float64] = np.abs(a.astype(np.float64) - b.astype(np.float64))
    return difference


def _given(name: str) -> str:
    return f"{name}_given"
