"""MLproject and conda.yaml say what the options classes and pyproject.toml say."""

from __future__ import annotations

import dataclasses
import importlib
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from vcc.cli import parse_options
from vcc.config.mlproject import ENTRY_POINTS

ROOT = Path(__file__).resolve().parents[2]
PROJECT = yaml.safe_load((ROOT / "MLproject").read_text())

# The entry points that the design fixes.
NAMES = {
    "main", "prepare", "train", "sensitivity", "compress", "evaluate", "export", "promote",
    "predict", "study", "search", "doctor", "compare",
}  # fmt: skip


def test_the_entry_points_are_those_of_the_design() -> None:
    assert set(PROJECT["entry_points"]) == NAMES
    assert PROJECT["conda_env"] == "conda.yaml"


@pytest.mark.parametrize("name", sorted(NAMES))
def test_parameters_and_defaults_are_those_of_the_module(name: str) -> None:
    module, cls = ENTRY_POINTS[name]
    entry = PROJECT["entry_points"][name]
    parameters = entry.get("parameters", {})
    assert list(parameters) == [field.name for field in dataclasses.fields(cls)]

    # Each default is read back by the module's own command line and must be the declared one.
    words = [word for key, spec in parameters.items() for word in (f"--{key}", spec["default"])]
    assert parse_options(cls, words, program=module) == cls()


@pytest.mark.parametrize("name", sorted(NAMES))
def test_commands_pass_every_parameter_to_the_module(name: str) -> None:
    module, _ = ENTRY_POINTS[name]
    entry = PROJECT["entry_points"][name]
    command = entry["command"]
    assert command.startswith(f"python -m entrypoints.{module}")
    passed = re.findall(r"--(\w+) \{(\w+)\}", command)
    assert all(option == placeholder for option, placeholder in passed)
    assert [option for option, _ in passed] == list(entry.get("parameters", {}))
    assert hasattr(importlib.import_module(f"entrypoints.{module}"), "main")


def test_no_default_is_null() -> None:
    # MLflow takes a null default for a missing one and then demands the parameter.
    defaults = [
        spec["default"]
        for entry in PROJECT["entry_points"].values()
        for spec in entry.get("parameters", {}).values()
    ]
    assert all(isinstance(default, str) for default in defaults)


def test_types_are_ones_that_mlflow_knows() -> None:
    for entry in PROJECT["entry_points"].values():
        for key, spec in entry.get("parameters", {}).items():
            assert spec["type"] in ("float", "string"), key
            if spec["type"] == "float":
                float(spec["default"])


def test_conda_lists_the_packages_of_pyproject_and_never_the_project() -> None:
    conda = yaml.safe_load((ROOT / "conda.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    packages = conda["dependencies"][-1]["pip"]
    assert sorted(packages) == sorted(project["dependencies"])
    assert "python=3.11" in conda["dependencies"]
    names = {re.split(r"[<>=;\s]", package)[0] for package in packages}
    assert "vcc" not in names
    # On PyPI that name is somebody else's package.
    assert "distiller" not in names


@pytest.mark.parametrize("name", sorted(NAMES))
def test_concerns_that_share_a_name_share_its_choices(name: str) -> None:
    # The entry point's field is the first one's: its values would be refused by the other concern.
    _, cls = ENTRY_POINTS[name]
    concerns = [base for base in cls.__bases__ if dataclasses.is_dataclass(base)]
    choices: dict[str, dict[str, object]] = {}
    for concern in concerns:
        for field in dataclasses.fields(concern):
            found = choices.setdefault(field.name, {})
            found[concern.__name__] = field.metadata.get("choices")
    differing = {key: found for key, found in choices.items() if len(set(found.values())) > 1}
    assert not differing
