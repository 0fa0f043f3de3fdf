"""Graphs by hand: BatchNorms fold into scales, equal nodes merge, what may not be is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from vcc.errors import ExportError
from vcc.export.graph_passes import (
    check_quantized,
    has_signed_activations,
    is_quantized,
    overflow_of,
    tidy,
)

X = np.random.default_rng(0).standard_normal((2, 2, 3, 3)).astype(np.float32)
LEVELS = np.array([[60, -20], [-63, 5], [7, 40]], np.int8).reshape(3, 2, 1, 1)
NORM = {
    # Turned round, as it was, and silent.
    "gamma": np.array([-2.0, 1.0, 0.0], np.float32),
    "beta": np.array([0.5, -1.0, 3.0], np.float32),
    "mean": np.array([0.1, 0.2, 0.3], np.float32),
    "var": np.array([1.0, 4.0, 0.25], np.float32),
}


def graph_of(nodes: list[Any], stored: dict[str, Any], *, output: str = "y") -> onnx.ModelProto:
    floats = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", floats, ["n", 2, 3, 3])],
        [helper.make_tensor_value_info(output, floats, [None] * 4)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in stored.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def convolution(levels: Any = LEVELS, *, zero: int | None = None, norm: bool = True) -> Any:
    """Return a convolution of integers, and a BatchNorm behind it."""
    scale = ["levels", "scale", *(["zero"] if zero is not None else [])]
    nodes = [
        helper.make_node("DequantizeLinear", scale, ["w"], name="dq"),
        helper.make_node("Conv", ["x", "w"], ["c" if norm else "y"], name="conv"),
    ]
    if norm:
        names = ["c", *NORM]
        nodes.append(helper.make_node("BatchNormalization", names, ["y"], name="bn"))
    stored = {"levels": levels, "scale": np.float32(0.02), **(NORM if norm else {})}
    return graph_of(nodes, stored | ({} if zero is None else {"zero": np.int8(zero)}))


def run(model: onnx.ModelProto) -> Any:
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": X})[0]


def kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def test_a_batchnorm_goes_into_the_scales_and_the_integers_stay() -> None:
    model = convolution()
    before = run(model)
    tidy(model)
    assert kinds(model) == ["DequantizeLinear", "Conv"]
    np.testing.assert_allclose(run(model), before, rtol=1e-5, atol=1e-6)
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    (levels,) = (value for value in stored.values() if value.ndim == 4)
    assert levels.dtype == np.int8
    assert levels[1].tolist() == LEVELS[1].tolist()
    assert levels[0].tolist() == (-LEVELS[0]).tolist()
    assert not levels[2].any()
    # What nothing reads any more is gone.
    assert not set(stored) & {*NORM, "levels", "scale"}


def test_a_batchnorm_whose_layer_is_read_elsewhere_stays() -> None:
    model = convolution()
    model.graph.node.append(helper.make_node("Add", ["c", "y"], ["z"], name="add"))
    model.graph.output[0].name = "z"
    before = run(model)
    tidy(model)
    assert "BatchNormalization" in kinds(model)
    np.testing.assert_array_equal(run(model), before)
    check_quantized(model, name="net.onnx")


def test_asymmetric_integers_cannot_be_turned_round() -> None:
    with pytest.raises(ExportError, match="levels: asymmetric integers under a BatchNorm"):
        tidy(convolution(zero=3))


def test_a_tensor_is_quantized_once_per_scale() -> None:
    def pair(number: int, scale: str) -> list[Any]:
        return [
            helper.make_node("QuantizeLinear", ["x", scale, "zero"], [f"q{number}"]),
            helper.make_node("DequantizeLinear", [f"q{number}", scale, "zero"], [f"d{number}"]),
        ]  # fmt: skip

    nodes = [*pair(1, "s1"), *pair(2, "s2"), *pair(3, "s3")]
    nodes.append(helper.make_node("Sum", ["d1", "d2", "d3"], ["y"], name="sum"))
    scales = {"s1": np.float32(0.1), "s2": np.float32(0.1), "s3": np.float32(0.2)}
    model = graph_of(nodes, {**scales, "zero": np.int8(0)})
    before = run(model)
    tidy(model)
    assert kinds(model).count("QuantizeLinear") == kinds(model).count("DequantizeLinear") == 2
    np.testing.assert_array_equal(run(model), before)


def test_paths_of_the_exporting_machine_are_not_in_the_file() -> None:
    model = convolution(norm=False)
    for item in (model.graph.node[0], model.graph.initializer[0], model.graph):
        item.metadata_props.add(key="pkg.torch.onnx.stack_trace", value="/home/me/net.py")
    tidy(model)
    assert b"/home/me" not in model.SerializeToString()


@pytest.mark.parametrize(
    ("nodes", "stored", "message"),
    [
        (
            [
                helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], name="first"),
                helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"], name="back"),
                helper.make_node("QuantizeLinear", ["d", "s", "z"], ["q2"], name="second"),
                helper.make_node("DequantizeLinear", ["q2", "s", "z"], ["y"], name="end"),
            ],
            {},
            "net.onnx: second quantizes a tensor that is quantized already",
        ),
        (
            [
                helper.make_node("QuantizeLinear", ["weight", "s", "z"], ["q"], name="first"),
                helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], name="back"),
            ],
            {"weight": X},
            "net.onnx: weight is stored as float and quantized in every run",
        ),
    ],
)
def test_what_a_runtime_would_not_run_in_integers_is_refused(
    nodes: list[Any], stored: dict[str, Any], message: str
) -> None:
    model = graph_of(nodes, {"s": np.float32(0.1), "z": np.int8(0), **stored})
    with pytest.raises(ExportError, match=message):
        check_quantized(model, name="net.onnx")


def test_a_batchnorm_that_was_left_over_integers_is_refused() -> None:
    with pytest.raises(ExportError, match="net.onnx: BatchNorm bn could not be folded"):
        check_quantized(convolution(), name="net.onnx")


@pytest.mark.parametrize(
    ("model", "kind", "quantized"),
    [
        (convolution(norm=False), "safe", True),
        (convolution(np.full_like(LEVELS, 65), norm=False), "fast", True),
        (convolution(np.full_like(LEVELS, -128), norm=False), "fast", True),
        (convolution(LEVELS.astype(np.uint8), norm=False), "fast", True),
        (
            graph_of([helper.make_node("Conv", ["x", "w"], ["y"])], {"w": np.float32(LEVELS)}),
            "safe",
            False,
        ),
        (
            graph_of([helper.make_node("ConvInteger", ["x", "w"], ["y"])], {"w": LEVELS}),
            "fast",
            True,
        ),
    ],
)
def test_sums_are_safe_where_every_weight_is_seen_to_be_small(
    model: onnx.ModelProto, kind: str, quantized: bool
) -> None:
    assert overflow_of(model) == kind
    assert is_quantized(model) == quantized


def test_weights_behind_a_reshape_are_looked_at() -> None:
    model = convolution(np.full_like(LEVELS, 100), norm=False)
    model.graph.node[1].input[1] = "shaped"
    reshape = helper.make_node("Reshape", ["w", "shape"], ["shaped"], name="reshape")
    model.graph.node.insert(1, reshape)
    model.graph.initializer.append(numpy_helper.from_array(np.array([3, 2, 1, 1]), "shape"))
    assert overflow_of(model) == "fast"


@pytest.mark.parametrize(("zero", "signed"), [(np.int8(0), True), (np.uint8(0), False)])
def test_activations_are_signed_by_their_zero_point(zero: Any, signed: bool) -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    assert has_signed_activations(graph_of(nodes, {"s": np.float32(1), "z": zero})) == signed


BETWEEN = {
    "Add": (["dq", "nothing"], {}),
    "Cast": (["dq"], {"to": 1}),
    "Concat": (["dq"], {"axis": 0}),
    "Mul": (["dq", "once"], {}),
    "Slice": (["dq", "begin", "end"], {}),
}


@pytest.mark.parametrize("kind", sorted(BETWEEN))
def test_weights_that_are_computed_of_integers_are_not_believed(kind: str) -> None:
    # OpenVINO multiplies the integers all the same: half of the right sum at 127, without VNNI.
    model = convolution(norm=False)
    model.graph.node[0].output[0] = "dq"
    inputs, attributes = BETWEEN[kind]
    model.graph.node.insert(1, helper.make_node(kind, inputs, ["w"], **attributes))
    constants = {"nothing": np.float32(0), "once": np.float32(1)}
    constants |= {"begin": np.array([0]), "end": np.array([3])}
    for name, value in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    run(model)
    assert overflow_of(model) == "fast"


def test_a_product_of_two_activations_is_no_weight() -> None:
    model = convolution(norm=False)
    made = [
        helper.make_node("Mul", ["x", "x"], ["xx"]),
        helper.make_node("MatMul", ["x", "xx"], ["z"]),
    ]
    model.graph.node.extend(made)
    assert overflow_of(model) == "safe"


def test_what_multiplies_in_a_branch_is_not_believed() -> None:
    model = convolution(norm=False)
    inner = helper.make_graph([helper.make_node("Conv", ["x", "w"], ["t"])], "then", [], [])
    other = helper.make_graph([helper.make_node("Identity", ["x"], ["e"])], "else", [], [])
    branch = helper.make_node("If", ["c"], ["z"], then_branch=inner, else_branch=other)
    model.graph.node.append(branch)
    assert overflow_of(model) == "fast"
    only_inner = graph_of([branch], {})
    assert not is_quantized(only_inner)
    inner.node.append(helper.make_node("DequantizeLinear", ["levels", "scale"], ["w"]))
    nested = helper.make_node("If", ["c"], ["z"], then_branch=inner, else_branch=other)
    assert is_quantized(graph_of([nested], {}))


def test_onnx_runtime_s_own_operators_on_integers_are_known() -> None:
    node = helper.make_node("DynamicQuantizeMatMul", ["x", "w"], ["y"], domain="com.microsoft")
    model = graph_of([node], {})
    assert is_quantized(model)
    assert overflow_of(model) == "fast"
