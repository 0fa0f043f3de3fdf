"""Which environments `mlflow run` can work in here: MLflow says it in its own words, and late."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path


def environment_findings() -> Iterator[tuple[str, str]]:
    """Yield (what was looked at, what was found) for each `--env-manager`."""
    yield "env-manager local", _local()
    uv = shutil.which("uv")
    yield "env-manager uv", _makes_one(uv) if uv else "no: uv is not on the PATH (pip install uv)"
    if conda := _conda():
        found = f"{_makes_one(conda)}; `mlflow run .` alone takes it"
    else:
        found = "no: it is not found, and `mlflow run .` alone asks for it: add --env-manager local"
    yield "env-manager conda", found


def _local() -> str:
    """Return whether `python`, as MLproject calls it, is the Python that runs now."""
    called = shutil.which("python")
    if called is None:
        return "no: there is no `python` on the PATH: activate the environment"
    # Not resolved: the Python of an environment is a link to the one that made it.
    if Path(called).parent != Path(sys.executable).parent:
        return f"no: `python` on the PATH is {called}, not {sys.executable}: activate this one"
    return f"yes, in {sys.prefix}"


def _makes_one(program: str) -> str:
    return f"yes, by {program}: it makes an environment of some GB"


def _conda() -> str | None:
    """Return the conda that MLflow would take, or None where there is none."""
    if home := os.environ.get("MLFLOW_CONDA_HOME"):
        return shutil.which(Path(home) / "bin" / "conda")
    if program := os.environ.get("CONDA_EXE"):
        return shutil.which(Path(program).with_name("conda"))
    return shutil.which("conda")
