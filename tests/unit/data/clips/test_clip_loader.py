"""Loader workers: from a process of one thread, and every trouble with them is one line."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from commands import run_command
from torch.utils.data import Dataset

from vcc.data.clips import clip_loader, stopped_workers
from vcc.data.clips.clip_loader import ClipLoader, worker_context
from vcc.errors import DataError


class Numbers(Dataset[torch.Tensor]):
    """Eight numbers."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Any:
        return torch.tensor(index)


class Parents(Numbers):
    """The process that started this worker, and how many threads it has."""

    def __getitem__(self, index: int) -> Any:
        parent = os.getppid()
        return torch.tensor([parent, len(list(Path(f"/proc/{parent}/task").iterdir()))])


class Killed(Numbers):
    """A worker that the system ends."""

    def __getitem__(self, index: int) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)


class Silent(Numbers):
    """A worker that gives nothing."""

    def __getitem__(self, index: int) -> Any:
        time.sleep(3600)


class Broken(Numbers):
    """A worker with a defect."""

    def __getitem__(self, index: int) -> Any:
        msg = "a defect"
        raise ValueError(msg)


@pytest.fixture
def busy_thread() -> Any:
    """A second thread in this process."""
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    yield
    ended.set()
    thread.join()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_loader, "_LOOK_S", 1)
    monkeypatch.setattr(stopped_workers, "_LOOK_S", 0.5)


@pytest.mark.parametrize("workers", [0, 2])
def test_every_item_comes_in_order(workers: int) -> None:
    loader = ClipLoader(Numbers(), num_workers=workers, batch_size=3)
    for _ in range(2):
        assert [batch.tolist() for batch in loader] == [[0, 1, 2], [3, 4, 5], [6, 7]]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
@pytest.mark.usefixtures("busy_thread")
def test_workers_are_forked_from_a_process_of_one_thread() -> None:
    if worker_context().get_start_method() != "forkserver":
        pytest.skip("this system has no fork server")
    (found,) = ClipLoader(Parents(), num_workers=1, batch_size=8)
    assert all(parent != os.getpid() and threads == 1 for parent, threads in found.tolist())


@pytest.mark.usefixtures("impatient")
def test_a_killed_worker_is_one_line() -> None:
    with pytest.raises(DataError, match="a loader worker was ended from outside"):
        list(ClipLoader(Killed(), num_workers=1))


@pytest.mark.usefixtures("impatient")
def test_a_silent_worker_is_one_line() -> None:
    with pytest.raises(DataError, match="no batch from the loader workers in 2 s"):
        list(ClipLoader(Silent(), num_workers=1, limit_s=2))


def test_a_defect_keeps_its_own_message() -> None:
    with pytest.raises(ValueError, match="a defect"):
        list(ClipLoader(Broken(), num_workers=1))


class Pid(Numbers):
    """The process that made the batch."""

    def __getitem__(self, index: int) -> Any:
        return torch.tensor([index, os.getpid()])


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
def test_a_worker_that_is_stopped_while_its_batch_is_taken_over_is_one_line() -> None:
    batches = iter(ClipLoader(Pid(), num_workers=1, limit_s=2))
    pid = int(next(batches)[0, 1])
    # Two more batches lie in the queue when it waits for what to do next; their memory it gives
    # away only while it runs.
    while psutil.Process(pid).status() != psutil.STATUS_SLEEPING:
        time.sleep(0.01)
    time.sleep(0.5)
    os.kill(pid, signal.SIGSTOP)
    # On a busy machine it may be stopped before the batches lie there.
    ended = "a loader worker was ended from outside|no batch from the loader workers in 2 s"
    with pytest.raises(DataError, match=ended):
        list(batches)


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
def test_a_stopped_fork_server_is_one_line() -> None:
    if worker_context().get_start_method() != "forkserver":
        pytest.skip("this system has no fork server")
    (server,) = clip_loader._server()
    os.kill(server, signal.SIGSTOP)
    with pytest.raises(DataError, match="that loader workers are forked from was ended"):
        list(ClipLoader(Numbers(), num_workers=1, limit_s=2))
    assert len(list(ClipLoader(Numbers(), num_workers=1))) == 8


_STOPPED_AT_EXIT = """
import os, signal, sys
import torch
from torch.utils.data import Dataset
from vcc.data.clips import stopped_workers
from vcc.data.clips.clip_loader import ClipLoader
stopped_workers._LOOK_S = 0.5

class Pids(Dataset):
    def __len__(self):
        return 8
    def __getitem__(self, index):
        return torch.tensor(os.getpid())

if __name__ == "__main__":
    batches = iter(ClipLoader(Pids(), num_workers=1, limit_s=2))
    os.kill(int(next(batches)), signal.SIGSTOP)
    print("stopped", flush=True)
"""


@pytest.mark.slow
def test_a_worker_that_is_stopped_does_not_keep_a_program_from_its_end(tmp_path: Path) -> None:
    script = tmp_path / "stopped_at_exit.py"
    script.write_text(_STOPPED_AT_EXIT)
    root = Path(__file__).resolve().parents[4]
    done = run_command(
        [sys.executable, script], cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "stopped\n"
    assert "was stopped (SIGSTOP) for" in done.stderr
