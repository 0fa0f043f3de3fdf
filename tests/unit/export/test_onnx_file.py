"""The exported file: complete, checked, dynamic in its batch, and the same as its network."""

from __future__ import annotations

import resource
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from export_toys import CLIP_SHAPE, ToyClassifier

from vcc.errors import ExportError
from vcc.export.onnx_file import (
    FILE_KEY,
    FileFacts,
    check_classes,
    export_onnx,
    inspect_file,
    read_metadata,
)
from vcc.export.parity import check_parity
from vcc.export.runtimes.catalog import open_session


@pytest.fixture(scope="module")
def toy() -> ToyClassifier:
    torch.manual_seed(0)
    return ToyClassifier().eval()


@pytest.fixture(scope="module")
def exported(toy: ToyClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "toy.onnx"
    metadata = {"labels": ["a", "é"], "protocol": {"sample_size": 8}}
    return export_onnx(toy, path, clip_shape=CLIP_SHAPE, opset=20, metadata=metadata)


def test_it_is_one_file_with_its_weights_inside(exported: Path) -> None:
    assert [path.name for path in exported.parent.iterdir()] == ["toy.onnx"]
    model = onnx.load(str(exported), load_external_data=False)
    assert all(not tensor.external_data for tensor in model.graph.initializer)
    assert model.opset_import[0].version == 20


def test_a_full_disk_leaves_nothing(toy: ToyClassifier, tmp_path: Path) -> None:
    path = tmp_path / "toy.onnx"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(ExportError, match=r"toy.onnx: cannot be written \(File too large\)"):
            export_onnx(toy, path, clip_shape=CLIP_SHAPE, opset=20, metadata={})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


def test_the_metadata_comes_back(exported: Path) -> None:
    assert read_metadata(exported) == {"labels": ["a", "é"], "protocol": {"sample_size": 8}}


@pytest.mark.parametrize("batch", [1, 2, 5])
@pytest.mark.parametrize("provider", ["cpu", "openvino"])
def test_any_batch_runs_and_agrees(
    exported: Path, toy: ToyClassifier, provider: str, batch: int
) -> None:
    session = open_session(exported, provider=provider, threads=1)
    pixels = torch.rand(batch, *CLIP_SHAPE) * 255
    with torch.inference_mode():
        expected = toy(pixels).numpy()
    np.testing.assert_allclose(session.run(pixels.numpy()), expected, atol=1e-5)


def test_the_record_says_what_ran(exported: Path) -> None:
    assert open_session(exported, provider="cpu", threads=1).runtime == "onnxruntime CPU"
    assert open_session(exported, provider="auto", threads=1).runtime.startswith("onnxruntime")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_a_provider_that_cannot_start_is_an_error(exported: Path, provider: str) -> None:
    with pytest.raises(ExportError, match=f"provider {provider}"):
        open_session(exported, provider=provider, threads=1)


@pytest.mark.parametrize("content", [b"", b"not onnx", b"\x08\x07"])
def test_a_file_that_is_not_a_model_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ExportError, match=r"onnxruntime cannot load .*broken\.onnx"):
        open_session(path, provider="cpu", threads=1)


def test_a_network_that_cannot_be_exported_leaves_nothing(tmp_path: Path) -> None:
    class Undecided(ToyClassifier):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return super().forward(pixels) if float(pixels.sum()) > 0 else pixels

    with pytest.raises(ExportError, match="cannot be exported"):
        export_onnx(Undecided(), tmp_path / "x.onnx", clip_shape=CLIP_SHAPE, opset=20, metadata={})
    assert list(tmp_path.iterdir()) == []


def test_it_says_what_the_network_says(exported: Path, toy: ToyClassifier) -> None:
    clips = torch.randint(0, 256, (6, *CLIP_SHAPE), dtype=torch.uint8)
    session = open_session(exported, provider="cpu", threads=1)
    parity = check_parity(toy, session, [SimpleNamespace(clips=clips)])
    assert (parity.clips, parity.top1_agreement) == (6, 1.0)
    assert parity.max_difference < 1e-5


def test_a_graph_that_the_checker_refuses_leaves_nothing(
    toy: ToyClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(model: Any) -> None:
        model.graph.node.append(onnx.helper.make_node("NoSuchOperator", ["pixels"], ["nothing"]))

    monkeypatch.setattr("vcc.export.onnx_file.tidy", spoil)
    with pytest.raises(ExportError, match=r"x\.onnx: ONNX's checker refuses the exported graph"):
        export_onnx(toy, tmp_path / "x.onnx", clip_shape=CLIP_SHAPE, opset=20, metadata={})
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_other_classes_is_named(exported: Path) -> None:
    check_classes(exported, ("a", "é"), where="the data set motion")
    for labels, difference in [
        (("a", "b"), "'é' at place 2, not 'b'"),
        (("a",), "2 classes, not 1"),
        (("é", "a"), "'a' at place 1, not 'é'"),
    ]:
        message = f"toy.onnx: has {difference} as in the data set motion"
        with pytest.raises(ExportError, match=message):
            check_classes(exported, labels, where="the data set motion")


@pytest.mark.parametrize("damage", ["weights cut off", "weights elsewhere", "no weights"])
def test_a_file_whose_weights_cannot_be_seen_counts_as_fast(tmp_path: Path, damage: str) -> None:
    make, stored = onnx.helper.make_node, onnx.numpy_helper.from_array
    levels = stored(np.ones((2, 3, 1, 1), np.int8), "levels")
    read, conv = make("DequantizeLinear", ["levels", "one"], ["w"]), make("Conv", ["x", "w"], ["y"])
    if damage == "weights cut off":
        levels.raw_data = levels.raw_data[:-1]
    elif damage == "weights elsewhere":
        onnx.external_data_helper.set_external_data(levels, "elsewhere.bin")
        levels.ClearField("raw_data")
    else:
        del conv.input[1:]
    one = stored(np.asarray(np.float32(1)), "one")
    graph = onnx.helper.make_graph([read, conv], "g", [], [], [levels, one])
    model = onnx.helper.make_model(graph)
    onnx.helper.set_model_props(model, {FILE_KEY: '{"overflow": "safe"}'})
    (tmp_path / "damaged.onnx").write_bytes(model.SerializeToString())
    assert inspect_file(tmp_path / "damaged.onnx") == FileFacts(quantized=True, overflow="fast")
