"""Nothing sends usage figures unless the user wants it to."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from commands import run_command

from vcc import telemetry

_IMPORT = "import os, vcc; print([os.environ.get(name) for name in vcc.telemetry.VARIABLES])"
_OPENVINO = """
import sys, threading
import vcc.export.runtimes.openvino as module
module.start_openvino()
print("openvino_telemetry" in sys.modules, len(threading.enumerate()))
"""


def run(code: str, **variables: str) -> str:
    kept = {k: v for k, v in os.environ.items() if k not in telemetry.VARIABLES}
    done = run_command([sys.executable, "-c", code], env={**kept, **variables})
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_switches_them_off() -> None:
    assert run(_IMPORT) == "['true', '1']"


def test_what_the_user_chose_stays() -> None:
    chosen = {"MLFLOW_DISABLE_TELEMETRY": "false", "ORT_DISABLE_TELEMETRY": "0"}
    assert run(_IMPORT, **chosen) == "['false', '0']"


def test_openvino_comes_without_its_telemetry(tmp_path: Path) -> None:
    assert run(_OPENVINO, HOME=str(tmp_path)) == "False 1"
    assert not (tmp_path / "intel").exists()


def test_who_opted_in_keeps_openvino_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    consent = tmp_path / "intel" / "openvino_telemetry"
    consent.parent.mkdir()
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.delitem(sys.modules, "openvino_telemetry", raising=False)
    for answer, hidden in (("1", False), ("0", True)):
        consent.write_text(answer)
        with telemetry.silent_openvino():
            assert (sys.modules.get("openvino_telemetry", "") is None) == hidden
    assert "openvino_telemetry" not in sys.modules


def test_an_account_without_a_home_folder_has_not_opted_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        msg = "Could not determine home directory."
        raise RuntimeError(msg)

    monkeypatch.setattr(Path, "home", none)
    assert not telemetry._opted_in_to_openvino()


def test_an_environment_is_told_before_any_program_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry.sysconfig, "get_paths", lambda: {"purelib": str(tmp_path)})
    path = telemetry.switch_off_in_environment()
    code = f"import site, os; site.addsitedir({str(path.parent)!r}); print(dict(os.environ))"
    said = run(code)
    assert "'MLFLOW_DISABLE_TELEMETRY': 'true'" in said
    assert "'ORT_DISABLE_TELEMETRY': '1'" in said
