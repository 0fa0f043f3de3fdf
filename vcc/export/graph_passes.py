"""What is tidied in an exported graph, and what a quantized graph must not hold.

The exporter folds BatchNorms into float weights itself, but not into weights that are stored as
integers; there the fold goes into the scales, and the integers stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from vcc.config.overflow import FAST, SAFE, SAFE_SIZE
from vcc.errors import ExportError

Array = npt.NDArray[np.float32]


def tidy(model: onnx.ModelProto) -> None:
    """Fold what BatchNorms are left, and quantize each tensor once per scale, in place."""
    graph = _Graph(model.graph)
    for node in list(model.graph.node):
        if node.op_type == "BatchNormalization":
            graph.fold(node)
    graph.merge_equal("QuantizeLinear")
    graph.merge_equal("DequantizeLinear")
    graph.drop_unused_initializers()
    graph.drop_traces()


# What multiplies a weight, what does so on integers at once, what only moves elements.
_MULTIPLY = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_ON_INTEGERS = ("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger",
                "QGemm", "MatMulIntegerToFloat", "DynamicQuantizeMatMul")  # fmt: skip
_SHAPING = ("Identity", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze")


def is_quantized(model: onnx.ModelProto) -> bool:
    """Return whether a graph computes on integers."""
    nodes = (*model.graph.node, *_inner_nodes(model))
    return any(node.op_type in ("DequantizeLinear", *_ON_INTEGERS) for node in nodes)


def overflow_of(model: onnx.ModelProto) -> str:
    """Return "safe" where no pair of products leaves 16 bits, or "fast".

    Safe is what can be seen to be so: every weight of a convolution or linear layer is float, or is
    stored as integers of at most 7 bits. Biases are not multiplied. Activations must be unsigned
    for it, see `has_signed_activations`. What multiplies within a branch, a loop or a function is
    not looked at.
    """
    if any(node.op_type in (*_MULTIPLY, *_ON_INTEGERS) for node in _inner_nodes(model)):
        return FAST
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    made_by = {output: node for node in model.graph.node for output in node.output}
    for node in model.graph.node:
        if node.op_type in _ON_INTEGERS:
            return FAST
        if node.op_type not in _MULTIPLY:
            continue
        if len(node.input) < 2 or not _is_safe_weight(node.input[1], stored, made_by):
            return FAST
    return SAFE


def _inner_nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Yield the nodes that are not the graph's own: those of functions, branches and loops."""
    waiting = [node for function in model.functions for node in function.node]
    yield from waiting
    waiting += model.graph.node
    while waiting:
        attributes = waiting.pop().attribute
        inner = [node for each in attributes for node in each.g.node]
        inner += [node for each in attributes for graph in each.graphs for node in graph.node]
        yield from inner
        waiting += inner


def _is_safe_weight(
    name: str,
    stored: Mapping[str, onnx.TensorProto],
    made_by: Mapping[str, onnx.NodeProto],
) -> bool:
    source = made_by.get(name)
    while source is not None and source.op_type in _SHAPING:
        name = source.input[0]
        source = made_by.get(name)
    if source is None or source.op_type != "DequantizeLinear":
        # It is multiplied in float.
        return source is None or not _is_made_of_integers(source, stored, made_by)
    tensor = stored.get(source.input[0]) if source.input else None
    if tensor is None or tensor.data_type != onnx.TensorProto.INT8:
        return False
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        return False
    # of int8, -128 has no absolute value
    largest = np.abs(numpy_helper.to_array(tensor).astype(np.int16)).max(initial=0)
    return bool(largest <= SAFE_SIZE)


def _is_made_of_integers(
    node: onnx.NodeProto,
    stored: Mapping[str, onnx.TensorProto],
    made_by: Mapping[str, onnx.NodeProto],
) -> bool:
    """Return whether a node computes on constants alone, of which some are stored as integers.

    OpenVINO takes a scale, a sum or a concatenation behind a DequantizeLinear together with it, and
    multiplies the integers all the same.
    """
    waiting, seen, integers = [node], {*node.output}, False
    while waiting:
        node = waiting.pop()
        integers |= node.op_type == "DequantizeLinear"
        for name in node.input:
            if name in made_by and name not in seen:
                seen.update(made_by[name].output)
                waiting.append(made_by[name])
            elif name and name not in made_by and name not in stored:
                # It comes from the clip: no weight.
                return False
    return integers


def has_signed_activations(model: onnx.ModelProto) -> bool:
    """Return whether a file quantizes what its layers read to integers around zero, int8."""
    stored = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    return any(
        node.op_type == "QuantizeLinear"
        and len(node.input) > 2
        and stored.get(node.input[2]) == onnx.TensorProto.INT8
        for node in model.graph.node
    )


def check_quantized(model: onnx.ModelProto, *, name: str) -> None:
    """Refuse a quantized graph that a runtime would not run in integers, or that wastes space.

    Raises:
        ExportError: it quantizes what was just dequantized, holds float weights that it quantizes
            when run, or has a BatchNorm left that alone reads a layer of integers. One that reads
            something else (a sum, a concatenation) stays in float.
    """
    graph = _Graph(model.graph)
    made_by, stored = graph.made_by, graph.stored
    for node in model.graph.node:
        if node.op_type == "BatchNormalization" and graph.could_be_folded(node):
            msg = f"{name}: BatchNorm {node.name} could not be folded into integer weights"
            raise ExportError(msg)
        if node.op_type != "QuantizeLinear":
            continue
        source = made_by.get(node.input[0])
        if source is not None and source.op_type == "DequantizeLinear":
            msg = f"{name}: {node.name} quantizes a tensor that is quantized already"
            raise ExportError(msg)
        if node.input[0] in stored:
            msg = f"{name}: {node.input[0]} is stored as float and quantized in every run"
            raise ExportError(msg)


@dataclass
class _Graph:
    """A graph with its lookups."""

    proto: onnx.GraphProto

    def __post_init__(self) -> None:
        self.stored = {tensor.name: tensor for tensor in self.proto.initializer}
        self.made_by = {output: node for node in self.proto.node for output in node.output}
        self.reads = Counter(name for node in self.proto.node for name in node.input)

    def fold(self, norm: onnx.NodeProto) -> None:
        """Fold a BatchNorm into the convolution or linear layer before it, if that is before it.

        y = (conv(x) - mean) * f + beta with f = gamma / sqrt(var + eps): integers q * s become
        (sign(f) q) * (s |f|), and the bias (b - mean) f + beta.
        """
        if not self.could_be_folded(norm):
            return
        conv = self.made_by[norm.input[0]]
        weight = self.made_by[conv.input[1]]
        eps = next((a.f for a in norm.attribute if a.name == "epsilon"), 1e-5)
        gamma, beta, mean, var = (self._value(name) for name in norm.input[1:5])
        factor: Array = (gamma / np.sqrt(var + eps)).astype(np.float32)
        self._scale_integers(weight, factor)
        bias = self._value(conv.input[2]) if len(conv.input) > 2 else np.zeros_like(mean)
        name = f"{conv.output[0]}_bias"
        self._store(name, ((bias - mean) * factor + beta).astype(np.float32))
        source = conv.input[0]
        conv.ClearField("input")
        conv.input.extend([source, weight.output[0], name])
        conv.output[0] = norm.output[0]
        self.made_by[norm.output[0]] = conv
        self.proto.node.remove(norm)

    def could_be_folded(self, norm: onnx.NodeProto) -> bool:
        """Return whether a BatchNorm alone reads a layer whose weights are integers."""
        conv = self.made_by.get(norm.input[0])
        if conv is None or not _has_filters(conv) or self.reads[norm.input[0]] != 1:
            return False
        weight = self.made_by.get(conv.input[1])
        return weight is not None and weight.op_type == "DequantizeLinear"

    def merge_equal(self, kind: str) -> None:
        """Let every tensor be read from the first of the nodes that compute the same of it."""
        first: dict[tuple[bytes | str, ...], str] = {}
        renamed: dict[str, str] = {}
        for node in list(self.proto.node):
            if node.op_type != kind or node.input[0] in self.stored:
                continue
            constants = (self._bytes(name) for name in node.input[1:])
            key = (renamed.get(node.input[0], node.input[0]), *constants)
            kept = first.setdefault(key, node.output[0])
            if kept != node.output[0]:
                renamed[node.output[0]] = kept
                self.proto.node.remove(node)
        for node in self.proto.node:
            for position, name in enumerate(node.input):
                if name in renamed:
                    node.input[position] = renamed[name]

    def drop_unused_initializers(self) -> None:
        """Remove the constants that nothing reads."""
        used = {name for node in self.proto.node for name in node.input}
        kept = [tensor for tensor in self.proto.initializer if tensor.name in used]
        del self.proto.initializer[:]
        self.proto.initializer.extend(kept)

    def drop_traces(self) -> None:
        """Remove the stack traces of the exporting program: paths, and a share of a small file."""
        for item in (*self.proto.node, *self.proto.value_info, *self.proto.initializer):
            del item.metadata_props[:]
        del self.proto.metadata_props[:]

    def _scale_integers(self, weight: onnx.NodeProto, factor: Array) -> None:
        levels = numpy_helper.to_array(self.stored[weight.input[0]])
        scale = np.broadcast_to(self._value(weight.input[1]), factor.shape)
        if len(weight.input) > 2 and self._value(weight.input[2]).any():
            msg = f"{weight.input[0]}: asymmetric integers under a BatchNorm cannot be exported"
            raise ExportError(msg)
        sign = np.where(factor < 0, -1, 1).reshape(-1, *[1] * (levels.ndim - 1))
        flipped = np.clip(levels.astype(np.int16) * sign, -128, 127).astype(np.int8)
        # A filter whose factor is zero has no scale: its integers are zero instead.
        dead = factor == 0
        flipped[dead] = 0
        stem = f"{weight.input[0]}.{weight.output[0]}"
        names = [f"{stem}_{part}" for part in ("levels", "scale", "zero")]
        self._store(names[0], flipped)
        self._store(names[1], np.where(dead, 1, scale * np.abs(factor)).astype(np.float32))
        self._store(names[2], np.zeros(len(factor), np.int8))
        weight.ClearField("input")
        weight.input.extend(names)
        weight.ClearField("attribute")
        weight.attribute.append(onnx.helper.make_attribute("axis", 0))

    def _value(self, name: str) -> Array:
        if name not in self.stored:
            msg = f"{name}: a constant was expected in the exported graph"
            raise ExportError(msg)
        value: Array = numpy_helper.to_array(self.stored[name])
        return value

    def _bytes(self, name: str) -> bytes | str:
        return numpy_helper.to_array(self.stored[name]).tobytes() if name in self.stored else name

    def _store(self, name: str, value: npt.NDArray[np.generic]) -> None:
        tensor = numpy_helper.from_array(np.ascontiguousarray(value), name)
        self.proto.initializer.append(tensor)
        self.stored[name] = tensor


def _has_filters(node: onnx.NodeProto) -> bool:
    """Return whether the first dimension of a node's weight is that of its output's channels."""
    if node.op_type == "Gemm":
        given = {attribute.name: attribute for attribute in node.attribute}
        plain = all(given[name].f == 1 for name in ("alpha", "beta") if name in given)
        return plain and "transB" in given and given["transB"].i == 1
    return bool(node.op_type == "Conv")
