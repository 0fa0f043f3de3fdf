"""Environments that `mlflow run` can work in are found as MLflow finds them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vcc.pipeline.doctor.environments import environment_findings


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that alone is on the PATH."""
    for name in ("MLFLOW_CONDA_HOME", "CONDA_EXE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(folder := tmp_path / "programs"))
    folder.mkdir()
    return folder


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)
    return path


def found() -> dict[str, str]:
    return {title.removeprefix("env-manager "): text for title, text in environment_findings()}


@pytest.mark.usefixtures("programs")
def test_without_programs_each_line_says_what_to_do() -> None:
    said = found()
    assert list(said) == ["local", "uv", "conda"]
    assert all(text.startswith("no: ") for text in said.values())
    assert "pip install uv" in said["uv"]
    assert said["conda"].endswith("`mlflow run .` alone asks for it: add --env-manager local")


def test_local_is_the_python_that_the_path_finds(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = program(programs / "python")
    assert found()["local"].startswith(f"no: `python` on the PATH is {ours}, not {sys.executable}")
    monkeypatch.setattr(sys, "executable", str(programs / "python3"))
    assert found()["local"] == f"yes, in {sys.prefix}"


def test_conda_is_looked_for_where_mlflow_looks(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(programs / "uv")
    on_path = program(programs / "conda")
    assert found()["uv"].startswith("yes, by ")
    assert str(on_path) in found()["conda"]
    # CONDA_EXE, which `conda activate` sets, wins over the PATH, and MLflow's own over both.
    monkeypatch.setenv("CONDA_EXE", str(active := program(tmp_path / "active" / "conda")))
    assert str(active) in found()["conda"]
    home = program(tmp_path / "home" / "bin" / "conda").parents[1]
    monkeypatch.setenv("MLFLOW_CONDA_HOME", str(home))
    assert str(home) in found()["conda"]
    monkeypatch.setenv("MLFLOW_CONDA_HOME", str(tmp_path / "nowhere"))
    assert found()["conda"].startswith("no: ")
