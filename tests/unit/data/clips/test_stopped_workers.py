"""Processes that are stopped for too long are killed, and no others."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator
from types import SimpleNamespace

import psutil
import pytest
from limits import HANG_S

from vcc.data.clips import stopped_workers
from vcc.data.clips.stopped_workers import end_if_stopped


@contextlib.contextmanager
def sleeping() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "3600"]) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopped_workers, "_LOOK_S", 0.02)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGSTOP)
    while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)


def test_a_process_that_stays_stopped_is_killed(caplog: pytest.LogCaptureFixture) -> None:
    with sleeping() as stopped, sleeping() as busy:
        end_if_stopped([stopped.pid, busy.pid], limit_s=0.1)
        stop(stopped)
        assert stopped.wait(HANG_S) == -signal.SIGKILL
        assert busy.poll() is None
    assert f"process {stopped.pid} of the data loader was stopped (SIGSTOP) for " in caplog.text


def test_one_that_goes_on_is_left_alone() -> None:
    looks: list[float] = []
    with sleeping() as process:
        watched = stopped_workers._Watched(process=psutil.Process(process.pid), limit_s=10)
        for action in (None, signal.SIGSTOP, None, signal.SIGCONT):
            if action == signal.SIGSTOP:
                stop(process)
            elif action == signal.SIGCONT:
                process.send_signal(action)
                while psutil.Process(process.pid).status() == psutil.STATUS_STOPPED:
                    time.sleep(0.01)
            stopped_workers._look_at(watched, 4)
            looks.append(watched.stopped_s)
        assert process.poll() is None
    assert looks == [0, 4, 8, 0]


def test_processes_that_ended_are_forgotten() -> None:
    with sleeping() as process:
        end_if_stopped([process.pid], limit_s=3600)
    deadline = time.monotonic() + HANG_S
    while process.pid in stopped_workers._watched and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.pid not in stopped_workers._watched
    # A number that nobody has.
    end_if_stopped([process.pid], limit_s=3600)
    assert process.pid not in stopped_workers._watched


def test_time_in_which_nobody_ran_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    monkeypatch.setattr(stopped_workers, "_look", seen.append)
    monkeypatch.setattr(stopped_workers, "_LONGEST_LOOK_S", 0.04)
    monkeypatch.setattr(stopped_workers, "_watched", {})
    for times in ([0.0, 0.03], [0.0, 500.0]):
        clock = SimpleNamespace(sleep=lambda _: None, monotonic=iter(times).__next__)
        monkeypatch.setattr(stopped_workers, "time", clock)
        stopped_workers._watch()
    assert seen == [0.03, 0.04]
