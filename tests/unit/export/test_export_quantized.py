"""Every kind of compressed network exports, agrees with itself in both runtimes, and is small."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from export_networks import (
    CLIPPED,
    SHAPE,
    classifier,
    dense,
    few_blocks,
    normalised,
    pixels,
    quantized,
    variant,
)
from onnx import numpy_helper
from small_families import SMALL_FAMILIES

from vcc.errors import ExportError
from vcc.export.graph_passes import check_quantized, is_quantized
from vcc.export.onnx_file import FILE_KEY, export_onnx
from vcc.export.parity import check_parity
from vcc.export.runtimes.catalog import Session, open_session
from vcc.models import count_parameters, load_checkpoint, save_checkpoint

SLOW = pytest.mark.slow
KINDS = ("dense", "thinned", "ptq", "qat", "thinned+qat")
METADATA = {"labels": list("abcde"), FILE_KEY: {"quant_target": "cpu"}}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def export(model: torch.nn.Module, folder: Path) -> Path:
    path = folder / "net.onnx"
    return export_onnx(classifier(model), path, clip_shape=SHAPE, opset=20, metadata=METADATA)


@pytest.fixture(scope="module")
def integers(tmp_path_factory: pytest.TempPathFactory) -> tuple[torch.nn.Module, Path]:
    """Return a network quantized after training, and its file."""
    model = variant("resnet", "ptq")
    return model, export(model, tmp_path_factory.mktemp("integers"))


# Every kind of every family: seconds each. By default a residual network that is quantized after
# training is the other tests' (`integers`).
PAIRS = [pytest.param(family, kind, marks=SLOW) for family in SMALL_FAMILIES for kind in KINDS]


@pytest.mark.parametrize(("family", "kind"), PAIRS)
def test_it_exports_agrees_runs_and_comes_back(family: str, kind: str, tmp_path: Path) -> None:
    model = variant(family, kind)
    path = export(model, tmp_path)
    network = classifier(model)
    batches = [SimpleNamespace(clips=pixels(4, seed)) for seed in range(3)]
    for provider in ("cpu", "openvino"):
        session = open_session(path, provider=provider, threads=1)
        assert session.precision == ("f32" if kind in ("dense", "thinned") else "int8")
        with torch.inference_mode():
            parity = check_parity(network, session, batches)
        assert parity.clips == 12
    graph = onnx.load(str(path))
    with few_blocks():
        again = load_checkpoint(save_checkpoint(tmp_path / "checkpoint", model, {})).model
    assert torch.equal(again(normalised()), model(normalised()))
    assert is_quantized(graph) == (session.precision == "int8")
    assert all(node.op_type != "BatchNormalization" for node in graph.graph.node)
    if session.precision == "int8":
        weights = sum(
            t.data_type == onnx.TensorProto.INT8 and len(t.dims) in (2, 5)
            for t in graph.graph.initializer
        )
        assert weights == sum(node.op_type in ("Conv", "Gemm") for node in graph.graph.node)
        assert in_float(session) == signed_depthwise(graph)


def in_float(session: Session) -> set[str]:
    """Return the layers that a runtime runs in float, by the names of the file."""
    # OpenVINO adds how it split a layer.
    return {node.name.partition("/")[0] for node in session.coverage().fell_back}


def signed_depthwise(model: onnx.ModelProto) -> set[str]:
    """Return the depthwise convolutions of a file whose inputs have another zero point than 0.

    Kernels take them in float; integers around zero, which they would take, come out wrong on
    processors without VNNI, and so are made for fast files only.
    """
    stored = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    made_by = {output: node for node in model.graph.node for output in node.output}
    found = set()
    for node in model.graph.node:
        if node.op_type != "Conv":
            continue
        groups = next((a.i for a in node.attribute if a.name == "group"), 1)
        zero = stored[made_by[node.input[0]].input[2]]
        if groups > 1 and groups == len(stored[made_by[node.input[1]].input[0]]) and zero.any():
            found.add(node.name)
    return found


@SLOW
def test_fast_files_have_every_depthwise_layer_in_int8(tmp_path: Path) -> None:
    model = quantized(dense("csn"), "PostTrainLinearQuantizer", quant_target="cpu", overflow="fast")
    path = export(model, tmp_path)
    assert not signed_depthwise(onnx.load(str(path)))
    assert not open_session(path, provider="openvino", threads=1).coverage().fell_back


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        pytest.param("resnet", "shortened", marks=SLOW),
        pytest.param("resnet", "shortened+qat", marks=SLOW),
        pytest.param("csn", "shortened+ptq", marks=SLOW),
    ],
)
def test_kernels_cut_in_time_export_with_their_own_pads(
    family: str, kind: str, tmp_path: Path
) -> None:
    model = variant(family, kind)
    path = export(model, tmp_path)
    batches = [SimpleNamespace(clips=pixels(4))]
    for provider in ("cpu", "openvino"):
        session = open_session(path, provider=provider, threads=1)
        with torch.inference_mode():
            check_parity(classifier(model), session, batches)
        if kind != "shortened":
            assert session.precision == "int8"
            in_float_here = {name for name in in_float(session) if "conv" in name}
            assert in_float_here <= signed_depthwise(onnx.load(str(path)))
    graph = onnx.load(str(path)).graph
    pads = [
        tuple(attribute.ints)
        for node in graph.node
        for attribute in node.attribute
        if node.op_type == "Conv" and attribute.name == "pads"
    ]
    assert {(sides[0], sides[3]) for sides in pads} >= {(0, 1), (1, 0), (0, 0)}
    assert all(node.op_type != "Pad" for node in graph.node), "the pads are the convolutions' own"
    with few_blocks():
        again = load_checkpoint(save_checkpoint(tmp_path / "checkpoint", model, {})).model
    assert torch.equal(again(normalised()), model(normalised()))


@pytest.mark.slow
def test_integers_take_a_quarter_of_the_space(integers: tuple[torch.nn.Module, Path]) -> None:
    model, path = integers
    n_bytes = 4 * count_parameters(model)
    graph_itself = 60_000
    assert path.stat().st_size < 0.26 * n_bytes + graph_itself


@pytest.mark.parametrize(
    ("family", "class_name", "bits"),
    [
        pytest.param("resnet", CLIPPED[0], 4, marks=SLOW),
        *(pytest.param("resnet", name, 8, marks=SLOW) for name in CLIPPED[1:]),
        # C3D has BatchNorms behind linear layers.
        pytest.param("c3d", "PACTQuantizer", 8, marks=SLOW),
    ],
)
def test_clipped_quantizers_fold_their_batchnorms_into_scales(
    family: str, class_name: str, bits: int, tmp_path: Path
) -> None:
    model = quantized(dense(family), class_name, bits_activations=bits, bits_weights=bits)
    path = export(model, tmp_path)
    graph = onnx.load(str(path)).graph
    kinds = {node.op_type for node in graph.node}
    assert "BatchNormalization" not in kinds
    assert not {"Tanh", "Round"} & kinds
    session = open_session(path, provider="cpu", threads=1)
    clips = pixels(4).float()
    with torch.inference_mode():
        expected = classifier(model)(clips).numpy()
    difference = np.abs(session.run(clips.numpy()) - expected)
    assert difference.mean() <= 0.05 * np.abs(expected).max()


def test_integers_are_those_that_the_network_computes_with(
    integers: tuple[torch.nn.Module, Path],
) -> None:
    model, path = integers
    weight = model.get_submodule("conv1").weight_quantizer(model.conv1.weight).detach().numpy()  # type: ignore[operator, union-attr]
    graph = onnx.load(str(path)).graph
    stored = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    made_by = {node.output[0]: node for node in graph.node}
    first = next(node for node in graph.node if node.op_type == "Conv")
    levels, scale, zero = (stored[name] for name in made_by[first.input[1]].input)
    assert not zero.any()
    restored = levels * scale.reshape(-1, 1, 1, 1, 1)
    np.testing.assert_allclose(restored, weight, atol=1e-6)


def test_a_tensor_is_quantized_once(integers: tuple[torch.nn.Module, Path]) -> None:
    # The first block of a stage reads one tensor by two convolutions of the same range.
    graph = onnx.load(str(integers[1])).graph
    read = [node.input[0] for node in graph.node if node.op_type == "QuantizeLinear"]
    assert len(read) == len(set(read))


def test_a_graph_that_quantizes_twice_is_refused(integers: tuple[torch.nn.Module, Path]) -> None:
    model = onnx.load(str(integers[1]))
    node = next(n for n in model.graph.node if n.op_type == "DequantizeLinear" and "_" in n.name)
    again = onnx.helper.make_node(
        "QuantizeLinear", [node.output[0], *node.input[1:]], ["again"], name="again"
    )
    model.graph.node.append(again)
    with pytest.raises(ExportError, match="again quantizes a tensor that is quantized already"):
        check_quantized(model, name="net.onnx")


@pytest.mark.parametrize(
    ("provider", "message"),
    [("tensorrt", "made for cpu, not for tensorrt"), ("cuda", "no int8 convolution")],
)
def test_a_runtime_refuses_integers_made_for_another(
    provider: str, message: str, integers: tuple[torch.nn.Module, Path]
) -> None:
    path = integers[1]
    with pytest.raises(ExportError, match=message):
        open_session(path, provider=provider, threads=1)


def test_onnx_runtime_s_coverage_is_of_its_optimised_graph(
    integers: tuple[torch.nn.Module, Path],
) -> None:
    path = integers[1]
    coverage = open_session(path, provider="cpu", threads=1).coverage()
    assert coverage.nodes is not None
    assert {"QLinearConv"} <= {node.kernel for node in coverage.nodes}
    assert "layers run in int8" in coverage.as_text()
