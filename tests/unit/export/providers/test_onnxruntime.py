"""What ONNX Runtime's providers can be asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from mean_graph import write_mean_graph

from vcc.errors import ExportError
from vcc.export.runtimes.catalog import open_session, provider_of


def test_the_cpu_opens_files(tmp_path: Path) -> None:
    path = write_mean_graph(tmp_path / "means.onnx")
    assert open_session(path, provider="cpu", threads=1).runtime == "onnxruntime CPU"
    with pytest.raises(ExportError, match="provider cpu: cannot be asked for f16: it takes f32"):
        open_session(path, provider="cpu", threads=1, precision="f16")


@pytest.mark.parametrize(
    ("provider", "made_for", "message"),
    [
        ("cpu", "tensorrt", "made for tensorrt, not for cpu: quantize with quant_target: cpu"),
        ("tensorrt", "cpu", "made for cpu, not for tensorrt: quantize with quant_target: tensorr"),
        ("cuda", "cpu", "CUDA has no int8 convolution: run it by provider=tensorrt"),
    ],
)
def test_integers_of_another_runtime_are_refused(
    tmp_path: Path, provider: str, made_for: str, message: str
) -> None:
    path = write_mean_graph(tmp_path / "int8.onnx", quant_target=made_for)
    with pytest.raises(ExportError, match=message):
        open_session(path, provider=provider, threads=1)


def test_gpus_are_told_apart() -> None:
    assert [provider_of(name).on_gpu for name in ("cpu", "cuda", "tensorrt")] == [
        False,
        True,
        True,
    ]
    assert provider_of("cuda").halves_file
