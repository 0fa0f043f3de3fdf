"""What `doctor` finds on a machine, and what it refuses."""

from __future__ import annotations

import importlib.metadata

import pytest

from vcc.config.entrypoints import DoctorEntry
from vcc.errors import ExportError
from vcc.export import doctor


def distributions(monkeypatch: pytest.MonkeyPatch, *installed: str) -> None:
    """Let only these packages be installed."""

    def version(name: str) -> str:
        if name in installed:
            return "1.2.3"
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)


@pytest.mark.parametrize("installed", [(), ("onnxruntime",), ("onnxruntime-gpu",)])
def test_one_onnxruntime_is_fine(
    monkeypatch: pytest.MonkeyPatch, installed: tuple[str, ...]
) -> None:
    distributions(monkeypatch, *installed)
    assert doctor.problems() == []


def test_two_overwrite_each_other_and_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import entrypoints.doctor

    distributions(monkeypatch, "onnxruntime", "onnxruntime-gpu")
    monkeypatch.setattr(doctor, "findings", lambda: iter([("python", "3")]))
    with pytest.raises(ExportError, match="onnxruntime and onnxruntime-gpu are both installed"):
        entrypoints.doctor.main(DoctorEntry())


def test_every_provider_is_tried_and_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def open_session(path: object, *, provider: str, threads: int) -> object:
        tried.append(provider)
        msg = f"provider {provider}:\nno such\nlibrary"
        raise ExportError(msg)

    monkeypatch.setattr(doctor, "open_session", open_session)
    found = dict(doctor.findings())
    assert tried == ["cpu", "cuda", "tensorrt", "openvino"]
    assert found["provider cuda"] == "no: provider cuda: no such library"
    assert "cores" in found["CPU"]


def test_what_runs_is_named() -> None:
    found = dict(doctor.findings())
    assert found["provider cpu"] == "runs (onnxruntime CPU)"
    assert found["provider openvino"] == "runs (OpenVINO CPU)"


@pytest.mark.parametrize(
    ("installed", "lines"),
    [
        (("onnxruntime",), {"onnxruntime": "1.2.3"}),
        (("onnxruntime-gpu",), {"onnxruntime-gpu": "1.2.3"}),
        ((), dict.fromkeys(("onnxruntime", "onnxruntime-gpu"), "not installed")),
    ],
)
def test_of_two_that_stand_for_each_other_the_installed_one_is_named(
    monkeypatch: pytest.MonkeyPatch, installed: tuple[str, ...], lines: dict[str, str]
) -> None:
    distributions(monkeypatch, *installed)
    monkeypatch.setattr(doctor, "int8_kind", lambda: "")
    monkeypatch.setattr(doctor, "_try_provider", lambda provider, graph: "")
    found = {what: said for what, said in doctor.findings() if what.startswith("onnxruntime")}
    assert found == lines
