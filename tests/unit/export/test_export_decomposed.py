"""A decomposed network exports, and its file agrees with it in both runtimes, in int8 too."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import onnx
import pytest
import torch
from export_networks import SHAPE, classifier, dense, normalised, pixels, quantized, thinned

from vcc.compression.decomposition.decompose import Decomposer, decompose_
from vcc.compression.decomposition.ranks import RankRule
from vcc.export.onnx_file import FILE_KEY, export_onnx
from vcc.export.parity import check_parity
from vcc.export.runtimes.catalog import open_session
from vcc.models.decomposed import Decomposed

METADATA = {"labels": list("abcde"), FILE_KEY: {"quant_target": "cpu"}}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.slow
@pytest.mark.parametrize("precision", [pytest.param("f32", marks=pytest.mark.slow), "int8"])
def test_a_decomposed_stem_is_two_convolutions_that_agree(precision: str, tmp_path: Path) -> None:
    model = dense("resnet")
    plan = Decomposer(
        weights=("conv1.weight",), form="spatial_temporal", rule=RankRule(energy=0.95)
    )
    decompose_(model, plan, normalised(0, 1))
    assert isinstance(model.conv1, Decomposed)
    model = thinned(model, 0.25)
    if precision == "int8":
        model = quantized(model, "PostTrainLinearQuantizer", quant_target="cpu")

    path = export_onnx(
        classifier(model), tmp_path / "net.onnx", clip_shape=SHAPE, opset=20, metadata=METADATA
    )

    kernels = [
        list(next(a.ints for a in node.attribute if a.name == "kernel_shape"))
        for node in onnx.load(str(path)).graph.node
        if node.op_type == "Conv"
    ]
    assert kernels[:2] == [[1, 7, 7], [7, 1, 1]]
    batches = [SimpleNamespace(clips=pixels(4, seed)) for seed in range(2)]
    for provider in ("cpu", "openvino"):
        session = open_session(path, provider=provider, threads=1)
        assert session.precision == precision
        with torch.inference_mode():
            assert check_parity(classifier(model), session, batches).clips == 8
