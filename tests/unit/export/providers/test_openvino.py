"""What OpenVINO can be asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mean_graph import write_mean_graph

from vcc.errors import ExportError
from vcc.export.runtimes.catalog import import_runtime, open_session


def test_it_opens_files(tmp_path: Path) -> None:
    import_runtime("openvino")
    assert "openvino" in sys.modules
    path = write_mean_graph(tmp_path / "means.onnx")
    assert open_session(path, provider="openvino", threads=1).runtime == "OpenVINO CPU"


def test_integers_of_another_runtime_are_refused(tmp_path: Path) -> None:
    path = write_mean_graph(tmp_path / "int8.onnx", quant_target="tensorrt")
    with pytest.raises(ExportError, match="made for tensorrt, not for openvino"):
        open_session(path, provider="openvino", threads=1)
