"""Writes MLproject and conda.yaml from the one place each of their facts is declared.

    python -m vcc.config.mlproject

Entry-point parameters are the options classes' fields; packages are pyproject.toml's.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tomllib
from pathlib import Path

from vcc.cli import format_value
from vcc.config import entrypoints as entry
from vcc.config.options import Options, field_types, without_none

ENTRY_POINTS: dict[str, tuple[str, type[Options]]] = {
    "main": ("pipeline", entry.PipelineEntry),
    "prepare": ("prepare", entry.PrepareEntry),
    "train": ("train", entry.TrainEntry),
    "sensitivity": ("sensitivity", entry.SensitivityEntry),
    "compress": ("compress", entry.CompressEntry),
    "evaluate": ("evaluate", entry.EvaluateEntry),
    "export": ("export", entry.ExportEntry),
    "search": ("search", entry.SearchEntry),
    "promote": ("promote", entry.PromoteEntry),
    "compare": ("compare", entry.CompareEntry),
    "predict": ("predict", entry.PredictEntry),
    "study": ("study", entry.StudyEntry),
    "doctor": ("doctor", entry.DoctorEntry),
}

_MLPROJECT_HEAD = """\
# Written by `python -m vcc.config.mlproject` from the options classes in vcc/config.
# An empty default means "unset"; `python -m entrypoints.NAME --help` says what that comes to.
name: vcc

conda_env: conda.yaml

entry_points:
"""

_CONDA_HEAD = """\
# Written by `python -m vcc.config.mlproject` from pyproject.toml: third-party packages only.
name: vcc
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def mlproject_text() -> str:
    """Return the content of MLproject."""
    return _MLPROJECT_HEAD + "\n".join(
        _entry_text(name, module, cls) for name, (module, cls) in ENTRY_POINTS.items()
    )


def conda_text(pyproject: Path) -> str:
    """Return the content of conda.yaml for the project that `pyproject` describes."""
    project = tomllib.loads(pyproject.read_text())["project"]
    packages = project["dependencies"]
    return _CONDA_HEAD + "".join(f"      - {json.dumps(package)}\n" for package in packages)


def _entry_text(name: str, module: str, cls: type[Options]) -> str:
    fields, types = dataclasses.fields(cls), field_types(cls)
    lines = [f"  {name}:"]
    if fields:
        lines.append("    parameters:")
    for field in fields:
        kind = "float" if without_none(types[field.name]) in (int, float) else "string"
        default = json.dumps(format_value(field.default))
        # An unset number has no float default: MLflow would be told a number is "".
        declared = kind if format_value(field.default) else "string"
        lines.append(f"      {field.name}: {{type: {declared}, default: {default}}}")
    words = "".join(f" --{field.name} {{{field.name}}}" for field in fields)
    lines.append(f'    command: "python -m entrypoints.{module}{words}"')
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write both files into the project's root."""
    root = Path(__file__).resolve().parents[2]
    (root / "MLproject").write_text(mlproject_text())
    (root / "conda.yaml").write_text(conda_text(root / "pyproject.toml"))
    sys.stdout.write("wrote MLproject and conda.yaml\n")


if __name__ == "__main__":
    main()
