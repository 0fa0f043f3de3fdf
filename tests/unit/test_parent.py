"""What `mlflow run` started ends with it, and nothing else does."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import psutil
import pytest
from commands import session
from limits import HANG_S

from vcc import parent
from vcc.parent import end_with_mlflow_run, watch

# Started under a name and with words as MLflow's are; what it starts is in a shell, as MLflow's.
STARTER = """
import os, subprocess, sys
program = os.environ["PROGRAM"]
shell = ["bash", "-c", f"{sys.executable} -c '{program}'; true"]
subprocess.Popen(shell, start_new_session=False).wait()
"""
PROGRAM = """
import dataclasses, sys, time
from vcc.cli import run_entry_point, say
from vcc.config.options import Options
@dataclasses.dataclass(frozen=True, kw_only=True)
class Nothing(Options):
    pass
def main(options):
    say("ready")
    time.sleep(%d)
run_entry_point(Nothing, main, name="doctor")
"""


def test_a_program_ends_when_its_mlflow_run_was_killed(tmp_path: Path) -> None:
    (tmp_path / "mlflow").write_text(STARTER, encoding="utf-8")
    env = {**os.environ, "PROGRAM": PROGRAM % HANG_S, "MLFLOW_RUN_ID": "0" * 32}
    words = [sys.executable, tmp_path / "mlflow", "run", "."]
    with session(words, cwd=Path(__file__).parents[2], env=env) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        started = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        _, left = psutil.wait_procs(started, timeout=HANG_S)
        assert not left
        assert process.stderr is not None
        said = process.stderr.read()
    assert "the `mlflow run` that started this has ended" in said
    assert "error: stopped by SIGTERM" in said


def test_no_run_of_mlflow_s_is_watched_by_what_a_person_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parent, "watch", lambda *_, **__: pytest.fail("something is watched"))
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    end_with_mlflow_run()
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    monkeypatch.setattr(parent, "_runs_projects", lambda _process: False)
    end_with_mlflow_run()


def test_as_long_as_it_is_there_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _pid, number: sent.append(number))
    there = threading.Event()
    there.set()
    thread = watch(there.is_set, every_s=0.001)
    assert thread.daemon
    assert not sent
    there.clear()
    thread.join(HANG_S)
    assert sent == [signal.SIGTERM]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["/bin/python", "/bin/mlflow", "run", "."], True),
        (["python", "-m", "mlflow", "run", "."], True),
        (["mlflow", "ui"], False),
        (["uv", "run", "pytest"], False),
        (["python", "run", "mlflow"], False),
        ([], False),
    ],
)
def test_mlflow_s_words_are_known(words: list[str], *, found: bool) -> None:
    class Process:
        def cmdline(self) -> list[str]:
            return words

    assert parent._runs_projects(Process()) is found  # type: ignore[arg-type]
