"""What was asked for is what runs, or an error; only where it is allowed, the CPU instead."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path
from typing import Any

import pytest
from mean_graph import write_mean_graph

from vcc.config.export import RUNTIMES
from vcc.errors import ExportError
from vcc.export.providers.base import Provider
from vcc.export.runtimes import catalog
from vcc.export.runtimes.catalog import (
    choose_provider,
    import_runtime,
    open_session,
    provider_of,
)
from vcc.export.runtimes.session import Session


class Opened(Session):
    """What a runtime was asked for."""

    runtime = "toy"

    def __init__(self, threads: int, precision: str) -> None:
        self.threads, self.precision = threads, precision

    def run(self, pixels: Any) -> Any:
        raise NotImplementedError


class Toy(Provider):
    """Takes half precision first, and integers made for the CPU."""

    precisions = ("f16", "f32")
    int8_target = "cpu"
    loaded = 0

    def preload(self) -> None:
        type(self).loaded += 1

    def open(self, path: Path, *, threads: int, precision: str) -> Session:
        return Opened(threads, precision)


class Broken(Toy):
    """Does not start."""

    def open(self, path: Path, *, threads: int, precision: str) -> Session:
        msg = "provider broken: did not start"
        raise ExportError(msg)


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    RUNTIMES.names()
    for name, cls in (("toy", Toy), ("broken", Broken)):
        monkeypatch.setitem(RUNTIMES._parts, name, cls)


@pytest.fixture
def floats(tmp_path: Path) -> Path:
    return write_mean_graph(tmp_path / "float.onnx")


@pytest.fixture
def integers(tmp_path: Path) -> Path:
    return write_mean_graph(tmp_path / "int8.onnx", quant_target="cpu")


def test_a_provider_is_found_by_name_and_its_packages_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert isinstance(provider_of("toy"), Toy)
    import_runtime("toy")
    assert Toy.loaded == 1
    monkeypatch.setattr(Toy, "loaded", 0)
    monkeypatch.setitem(RUNTIMES._parts, "odd", int)
    with pytest.raises(ExportError, match="provider odd: int is no subclass of vcc.export"):
        provider_of("odd")


@pytest.mark.parametrize(
    ("gpu", "installed", "quantized", "chosen"),
    [
        (True, True, True, "cuda"),
        (False, True, True, "openvino"),
        (False, True, False, "cpu"),
        (False, False, True, "cpu"),
    ],
)
def test_auto_is_one_provider_for_all_that_is_compared(
    floats: Path, integers: Path, monkeypatch: pytest.MonkeyPatch, *,
    gpu: bool, installed: bool, quantized: bool, chosen: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(catalog, "cuda_is_usable", lambda: gpu)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if installed else None)
    paths = [floats, integers] if quantized else [floats]
    assert choose_provider("auto", paths) == chosen
    assert choose_provider("toy", paths) == "toy"


def test_precision_and_threads_are_settled_before_it_opens(
    floats: Path, integers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "usable_cores", lambda: 5)
    monkeypatch.setattr(catalog, "overflow_problem", lambda *_: None)
    opened: Any = open_session(floats, provider="toy", threads=0)
    assert (opened.threads, opened.precision) == (5, "f16")
    opened = open_session(floats, provider="toy", threads=2, precision="f32")
    assert (opened.threads, opened.precision) == (2, "f32")
    # Integers run as integers, whatever was asked for floats.
    assert open_session(integers, provider="toy", threads=1, precision="bf16").precision == "int8"
    with pytest.raises(ExportError, match="provider toy: cannot be asked for bf16: it takes f16, "):
        open_session(floats, provider="toy", threads=1, precision="bf16")


def test_integers_run_where_they_were_made_for(
    integers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_mean_graph(tmp_path / "other.onnx", quant_target="tensorrt")
    with pytest.raises(ExportError, match="other.onnx: its integers are made for tensorrt, not fo"):
        open_session(other, provider="toy", threads=1)
    monkeypatch.setattr(Toy, "int8_target", None)
    with pytest.raises(ExportError, match="int8.onnx: it runs no integers: export the float net"):
        open_session(integers, provider="toy", threads=1)


def test_the_cpu_stands_in_only_where_that_is_allowed_and_right(
    floats: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ExportError, match="^provider broken: did not start$"):
        open_session(floats, provider="broken", threads=1)
    with caplog.at_level(logging.WARNING):
        session = open_session(floats, provider="broken", threads=1, allow_fallback=True)
    assert session.runtime == "onnxruntime CPU"
    assert "did not start; allow_fallback: the CPU runs it instead" in caplog.text
    monkeypatch.setattr(catalog, "overflow_problem", lambda path, provider: "it saturates")
    with pytest.raises(ExportError, match="the CPU cannot run it instead: it saturates"):
        open_session(floats, provider="broken", threads=1, allow_fallback=True)


def test_sums_that_saturate_are_a_warning_here(
    integers: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(catalog, "overflow_problem", lambda path, provider: f"{provider} saturates")
    with caplog.at_level(logging.WARNING):
        assert open_session(integers, provider="toy", threads=1).precision == "int8"
    assert caplog.messages == ["toy saturates"]
