"""`doctor -P check=registry`: what is printed, and when it fails."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
from registry_toys import BASE, ToyRegistry

from entrypoints.doctor import main
from vcc.config.entrypoints import DoctorEntry
from vcc.errors import ConfigError, TrackingError


@pytest.fixture(autouse=True)
def _tracked(toy: ToyRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow.get_tracking_uri())


def check(root_path: Path) -> None:
    main(DoctorEntry(check="registry", root_path=root_path))


def test_a_whole_registry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(tmp_path)
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("looked at 9 versions of 1 networks at sqlite:///")
    assert said[1:] == ["everything fits together"]


def test_what_is_wrong_is_told_and_fails(
    toy: ToyRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy.alias("champion", 3, "")
    with pytest.raises(TrackingError, match="1 thing does not fit together: run the commands"):
        check(tmp_path)
    wrong, mend, *_ = capsys.readouterr().out.splitlines()
    assert wrong.startswith(f"wrong   {BASE}: champion is on version 3")
    assert mend.startswith("        mend: mlflow run . -e promote")


def test_a_remark_alone_does_not_fail(
    toy: ToyRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy.add("-onnx", export_id="e9")
    check(tmp_path)
    assert capsys.readouterr().out.startswith(f"remark  models:/{BASE}-onnx/4")


def test_it_looks_at_no_network_meanwhile() -> None:
    with pytest.raises(ConfigError, match="registry looks at no network"):
        DoctorEntry(check="registry", model="c3d")
