"""Compose files and KServe's services name what lies in the bundle; nothing is served openly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from bundle_files import bundled, write_served_graph
from kserve_schema import check_service

from vcc.export.bundles.containers import kserve_of_triton, service_name


def files_of(name: str, folder: Path) -> dict[str, Any]:
    made = bundled(name, write_served_graph(folder / "m.onnx"), folder / "bundle")
    return {path.name: yaml.safe_load(path.read_text("utf-8")) for path in made.glob("*.yaml")}


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_a_script_s_container_runs_it_without_a_network(name: str, tmp_path: Path) -> None:
    files = files_of(name, tmp_path)
    assert list(files) == ["compose.yaml"]
    service = files["compose.yaml"]["services"]["infer"]
    steps = service["build"]["dockerfile_inline"]
    assert f"numpy av {name} " in steps
    assert steps.splitlines()[-1] == 'ENTRYPOINT ["python", "/bundle/infer.py"]'
    assert steps.index("USER infer") > steps.index("COPY")
    assert service["network_mode"] == "none"
    assert service["volumes"] == ["${VIDEOS:?the folder of videos}:/videos:ro"]


def test_triton_s_container_serves_the_folder_on_this_machine_alone(tmp_path: Path) -> None:
    service = files_of("triton", tmp_path)["compose.yaml"]["services"]["triton"]
    assert "--model-repository=/models" in service["command"]
    assert service["volumes"] == [".:/models:ro"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_the_service_of_a_repository_is_one_that_kserve_takes(tmp_path: Path) -> None:
    service = files_of("triton", tmp_path)["kserve.yaml"]
    check_service(service)
    assert service["metadata"]["name"] == "a-net-1"
    model = service["spec"]["predictor"]["model"]
    assert model["modelFormat"] == {"name": "triton"}
    assert model["protocolVersion"] == "v2"


def test_a_wrong_service_is_noticed() -> None:
    text = kserve_of_triton("net")
    for right, wrong in (("modelFormat:", "format:"), ("storageUri", "storage_uri"),
                         ("v1beta1", "v1"), ("predictor", "predictors")):  # fmt: skip
        with pytest.raises(AssertionError):
            check_service(yaml.safe_load(text.replace(right, wrong)))


@pytest.mark.parametrize("name", ["ResNet_18.b", "3d", "x" * 80, "走", "-a-"])
def test_names_are_those_that_kubernetes_takes(name: str) -> None:
    assert re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", service_name(name))
