"""A runtime of another package opens files and is timed like vcc's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mean_graph import CLIP_SHAPE, write_mean_graph
from strangers import install_package

from vcc.config.export import RUNTIMES
from vcc.errors import ExportError
from vcc.export import runtime_table
from vcc.export.runtime_table import Candidate, time_runtimes
from vcc.export.runtimes.catalog import open_session, provider_of

RUNTIME = """
from vcc.config.export import RUNTIMES
from vcc.errors import ExportError
from vcc.export.providers.base import Provider
from vcc.export.runtimes.session import Session


class NumpySession(Session):
    runtime = "NumPy"

    def __init__(self, precision):
        self.precision = precision

    def run(self, pixels):
        return pixels.mean(axis=(2, 3, 4))


@RUNTIMES.register("numpy")
class Numpy(Provider):
    precisions = ("bf16", "f32")
    timed = ("f32",)

    def open(self, path, *, threads, precision):
        return NumpySession(precision)
"""


@pytest.fixture(autouse=True)
def _numpy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_package(tmp_path, monkeypatch, RUNTIMES, RUNTIME)


def test_it_opens_files(tmp_path: Path) -> None:
    path = write_mean_graph(tmp_path / "means.onnx")
    session = open_session(path, provider="numpy", threads=1, precision="f32")
    pixels = np.arange(2 * 96, dtype=np.float32).reshape(2, *CLIP_SHAPE)
    assert session.runtime == "NumPy"
    expected = open_session(path, provider="cpu", threads=1).run(pixels)
    assert np.allclose(session.run(pixels), expected)


def test_it_says_what_it_can_compute_in(tmp_path: Path) -> None:
    path = write_mean_graph(tmp_path / "means.onnx")
    assert open_session(path, provider="numpy", threads=1).precision == "bf16"
    message = "provider numpy: cannot be asked for f16: it takes bf16, f32"
    with pytest.raises(ExportError, match=message):
        open_session(path, provider="numpy", threads=1, precision="f16")


def test_integers_are_refused_where_it_runs_none(tmp_path: Path) -> None:
    path = write_mean_graph(tmp_path / "int8.onnx", quant_target="cpu")
    with pytest.raises(ExportError, match="runs no integers: export the float network"):
        open_session(path, provider="numpy", threads=1)


def test_the_table_of_runtimes_times_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each is measured in a process of its own, which takes seconds; it has its own tests.
    monkeypatch.setattr(runtime_table, "peak_bytes", lambda _asked: 1)
    path = write_mean_graph(tmp_path / "means.onnx")
    candidates = {"dense": Candidate(path=path, clip_shape=CLIP_SHAPE, classifier=None)}
    table = time_runtimes(candidates, batches=[1], runs=5, warmup=1, threads=1, folder=tmp_path)
    assert table.find("dense", "NumPy", "f32", 1) is not None
    assert any(row.runtime == "onnxruntime CPU" for row in table.rows)


def test_an_unknown_provider_gets_the_nearest() -> None:
    with pytest.raises(ExportError, match="unknown provider 'nunpy': did you mean numpy"):
        provider_of("nunpy")


def test_a_class_that_opens_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    RUNTIMES.names()
    monkeypatch.setitem(RUNTIMES._parts, "odd", dict)
    with pytest.raises(ExportError, match="provider odd: dict is no subclass of vcc"):
        provider_of("odd")
