"""A profile names layers as the network does, in every runtime that shows its nodes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import onnx
import pytest
import torch
from export_networks import SHAPE, classifier, dense, quantized

from vcc.export.layer_profile import (
    Profile,
    layer_names,
    profile_file,
    profile_lines,
    profile_table,
    profiles_csv,
)
from vcc.export.onnx_file import export_onnx
from vcc.export.runtimes.catalog import open_session
from vcc.export.runtimes.eager import EagerSession
from vcc.export.runtimes.session import NodeTime


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    torch.set_num_threads(1)
    return dense("resnet")


@pytest.fixture(scope="module")
def path(network: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    return export_onnx(
        classifier(network), folder / "dense.onnx", clip_shape=SHAPE, opset=20, metadata={}
    )


def node(name: str, ms: float) -> NodeTime:
    return NodeTime(name=name, operation="Conv", kernel="a kernel", ms=ms)


@pytest.mark.parametrize("provider", ["openvino", "cpu"])
def test_every_convolution_has_its_time(
    provider: str, network: torch.nn.Module, path: Path
) -> None:
    profile = profile_file(open_session(path, provider=provider, threads=1), SHAPE)
    assert profile is not None
    convolutions = {n for n, each in network.named_modules() if isinstance(each, torch.nn.Conv3d)}
    times = {each.name: each for each in profile.nodes}
    assert convolutions <= set(times)
    assert all(times[name].ms > 0 and times[name].kernel for name in convolutions)
    assert sum(map(profile.share, profile.nodes)) == pytest.approx(1)


@pytest.mark.slow
def test_int8_weights_are_known_by_their_layers(network: torch.nn.Module, tmp_path: Path) -> None:
    model = quantized(dense("resnet"), "PostTrainLinearQuantizer", quant_target="cpu")
    file = export_onnx(
        classifier(model), tmp_path / "int8.onnx", clip_shape=SHAPE, opset=20, metadata={}
    )
    names = set(layer_names(onnx.load(str(file)).graph).values())
    assert {n for n, each in network.named_modules() if isinstance(each, torch.nn.Conv3d)} <= names


def test_a_runtime_that_shows_nothing_has_none(network: torch.nn.Module) -> None:
    assert profile_file(EagerSession(classifier(network), threads=1), SHAPE) is None


def test_rows_and_lines_say_the_same() -> None:
    nodes = (node("conv1", 3.0), node("fc", 1.0), node("pool", 0.0))
    profiles = {"dense": Profile(runtime="it", nodes=nodes)}
    rows = list(csv.DictReader(io.StringIO(profiles_csv(profiles))))
    assert [(row["network"], row["layer"], row["ms"], row["share"]) for row in rows] == [
        ("dense", "conv1", "3.0000", "0.7500"),
        ("dense", "fc", "1.0000", "0.2500"),
        ("dense", "pool", "0.0000", "0.0000"),
    ]
    title, head, first, second = profile_lines(profiles, most=2)
    assert title == "dense: 4.00 ms by layer in it"
    assert head.split() == ["layer", "kernel", "ms", "share"]
    assert first.split() == ["conv1", "a", "kernel", "3.00", "75%"]
    assert second.split() == ["fc", "a", "kernel", "1.00", "25%"]


def test_nothing_measured_is_no_division() -> None:
    profile = Profile(runtime="it", nodes=(node("conv1", 0.0),))
    assert profile.share(profile.nodes[0]) == 0


def test_the_table_of_layers_sums_nodes_and_lays_files_beside_each_other() -> None:
    dense = Profile(runtime="r", nodes=(node("a", 1.0), node("b", 2.0), node("a", 3.0)))
    small = Profile(runtime="r", nodes=(node("b", 1.0), node("c", 0.5), node("d", 0.5)))
    assert profile_table({"dense": dense, "compressed": small}, most=2) == [
        ["layer", "dense, ms", "share", "compressed, ms", "share"],
        ["a", "4.000", "66.7%", "", ""],
        ["b", "2.000", "33.3%", "1.000", "50.0%"],
        ["2 others", "", "", "1.000", "50.0%"],
        ["all", "6.000", "100.0%", "2.000", "100.0%"],
    ]
    assert len(profile_table({"dense": dense})) == 4
