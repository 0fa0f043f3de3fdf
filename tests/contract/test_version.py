"""The version is said once, and whoever asks is told the same."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from models_tiny import tiny_network

import vcc
from vcc.cli import parse_options
from vcc.config.entrypoints import PrepareEntry, PromoteEntry
from vcc.export.doctor import findings
from vcc.models.checkpoint import load_checkpoint, save_checkpoint
from vcc.tracking.provenance import provenance_tags

ROOT = Path(__file__).resolve().parents[2]


def test_the_package_reads_it_from_the_code() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"]
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "vcc.__version__"}


def test_doctor_says_it_first() -> None:
    assert next(iter(findings())) == ("vcc", vcc.__version__)


def test_a_command_without_such_an_option_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse_options(PrepareEntry, ["--version"], program="prepare")
    assert end.value.code == 0
    assert capsys.readouterr().out == f"vcc {vcc.__version__}\n"


def test_an_option_of_that_name_stays_an_option() -> None:
    assert parse_options(PromoteEntry, ["--version", "7"], program="promote").version == "7"


def test_runs_and_checkpoints_record_it(tmp_path: Path) -> None:
    assert provenance_tags()["version.vcc"] == vcc.__version__
    folder = save_checkpoint(tmp_path / "made", tiny_network("resnet10a"), {})
    assert json.loads((folder / "arch.json").read_text())["vcc_version"] == vcc.__version__


def test_a_checkpoint_from_before_it_was_recorded_loads(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "made", tiny_network("resnet10a"), {"a": 1})
    arch = json.loads((folder / "arch.json").read_text())
    del arch["vcc_version"]
    (folder / "arch.json").write_text(json.dumps(arch))
    assert load_checkpoint(folder).metadata == {"a": 1}
