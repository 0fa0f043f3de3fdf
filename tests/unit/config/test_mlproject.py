"""How MLproject and conda.yaml are written."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from vcc.config.mlproject import ENTRY_POINTS, conda_text, main, mlproject_text


def test_a_number_without_a_default_is_a_string_to_mlflow() -> None:
    entries = yaml.safe_load(mlproject_text())["entry_points"]
    assert set(entries) == set(ENTRY_POINTS)
    train = entries["train"]["parameters"]
    assert train["n_epochs"] == {"type": "float", "default": "1"}
    assert train["folds"] == {"type": "string", "default": ""}
    assert train["lr_steps"]["default"] == "[40, 55, 65, 70, 200, 250]"
    assert train["no_val"] == {"type": "string", "default": "false"}
    assert entries["train"]["command"].startswith("python -m entrypoints.train --")


def test_packages_are_those_of_the_project(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text('[project]\ndependencies = ["torch>=2.5,<3", "a; python_version < \'3.12\'"]\n')
    packages = yaml.safe_load(conda_text(path))["dependencies"]
    assert packages[-1] == {"pip": ["torch>=2.5,<3", "a; python_version < '3.12'"]}


def test_both_files_are_written_into_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\ndependencies = []\n")
    monkeypatch.setattr(
        "vcc.config.mlproject.__file__", str(tmp_path / "vcc" / "config" / "mlproject.py")
    )
    main()
    assert (tmp_path / "MLproject").read_text() == mlproject_text()
    assert (tmp_path / "conda.yaml").exists()
    assert capsys.readouterr().out == "wrote MLproject and conda.yaml\n"
