"""Programs that are asked to end clean up, say so in one line, and end with the signal's code."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import mlflow
import psutil
import pytest
from commands import session
from databases import new_database
from limits import HANG_S

ROOT = Path(__file__).resolve().parents[2]
WAITING = """
import dataclasses, signal, sys, tempfile, time
from vcc.cli import run_entry_point, say
from vcc.config.options import Options
# Ignored in what a shell started in the background or by nohup, and then in all that this starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
{before}
@dataclasses.dataclass(frozen=True, kw_only=True)
class Nothing(Options):
    pass
def main(options):
    with tempfile.TemporaryDirectory(dir={folder!r}):
        say("ready")
        time.sleep({seconds})
run_entry_point(Nothing, main, name="doctor")
"""


def stop(code: str, number: int, *, cwd: Path = ROOT) -> tuple[int, str]:
    """Send a signal to a program once it says that it is ready; return its code and last words."""
    with session([sys.executable, "-c", code], cwd=cwd) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        _, said = process.communicate(timeout=HANG_S)
        ends = time.monotonic() + HANG_S
        while alive_in(process.pid) and time.monotonic() < ends:
            time.sleep(0.1)
        assert not alive_in(process.pid)
    return process.returncode, said


def alive_in(number: int) -> list[str]:
    """Return the command lines of a session's processes that have not ended."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if os.getsid(process.pid) == number and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
    return found


def waiting(folder: Path, *, before: str = "", seconds: float = HANG_S) -> str:
    return WAITING.format(folder=str(folder), before=before, seconds=seconds)


@pytest.mark.parametrize(
    ("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 130)], ids=str
)
def test_one_line_the_signal_s_code_and_nothing_left(tmp_path: Path, name: str, code: int) -> None:
    number = signal.Signals[name]
    by = "the keyboard" if name == "SIGINT" else name
    assert stop(waiting(tmp_path), number) == (code, f"error: stopped by {by}\n")
    assert not list(tmp_path.iterdir())


def test_nohup_still_holds(tmp_path: Path) -> None:
    ignored = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    assert stop(waiting(tmp_path, before=ignored, seconds=0.5), signal.SIGHUP) == (0, "")


def test_a_second_one_does_not_disturb_the_cleaning(tmp_path: Path) -> None:
    twice = """
import os
class Slow(tempfile.TemporaryDirectory):
    def __exit__(self, *error):
        os.kill(os.getpid(), signal.SIGTERM)
        return super().__exit__(*error)
tempfile.TemporaryDirectory = Slow
"""
    assert stop(waiting(tmp_path, before=twice), signal.SIGTERM)[0] == 143
    assert not list(tmp_path.iterdir())


def test_one_that_was_lost_can_be_sent_again(tmp_path: Path) -> None:
    # Python writes away what is raised while it frees an object.
    lost = """
from vcc import signals
signals.PATIENCE_S = 0.0
class Freed:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)
sys.unraisablehook = lambda _: None
say_as_it_was = say
def say(text):
    Freed()
    say_as_it_was(text)
"""
    assert stop(waiting(tmp_path, before=lost), signal.SIGTERM) == (
        143,
        "error: stopped by SIGTERM\n",
    )


PREPARING = """
import sys
from vcc.data.prepare import convert
import vcc.data.prepare.workers as workers
real = workers.convert_all
def told(options, jobs):
    for result in real(options, jobs):
        print("ready", flush=True)
        yield result
import vcc.data.prepare.filling as filling
filling.convert_all = told
from entrypoints.prepare import main
from vcc.cli import run_entry_point
from vcc.config.entrypoints import PrepareEntry
sys.argv = ["prepare", *{words!r}]
run_entry_point(PrepareEntry, main, name="prepare")
"""


@pytest.mark.slow
def test_a_stopped_step_is_killed_in_mlflow_and_its_workers_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = new_database(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    words = ["--root_path", str(tmp_path / "data"), "--n_jobs", "2", "--motion_classes", "2"]
    code, said = stop(PREPARING.format(words=words), signal.SIGTERM)
    assert (code, said.splitlines()[-1]) == (143, "error: stopped by SIGTERM")
    assert "Traceback" not in said
    (run,) = mlflow.MlflowClient(tracking_uri=uri).search_runs(["0"])
    assert run.info.status == "KILLED"
