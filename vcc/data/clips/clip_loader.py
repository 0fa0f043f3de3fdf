"""A loader of clips whose worker processes are started safely and never waited for without end.

On Linux, PyTorch forks its workers from the training process, which has threads by then: a lock
that one of them holds stays locked in the copy for ever. Here they are forked from a server
process that has one thread and has imported what they need, so that a worker still starts at once.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
from collections.abc import Iterator
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from typing import Any, TypeVar

from torch.utils.data import DataLoader

from vcc.data.clips.stopped_workers import end_if_stopped
from vcc.errors import DataError

# How often PyTorch is to look whether its workers still live: it does so when a wait ends.
_LOOK_S = 5
# Beyond what any batch takes on a loaded machine; it guards against a worker that hangs.
LIMIT_S = 1200
# Numerical libraries start threads when they are imported, unless they are told not to.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
# What PyTorch says of workers that ended, and of ones that give nothing.
_ENDED, _SILENT = "exited unexpectedly", "timed out after"
_ENDED_LINE = (
    "a loader worker was ended from outside, most often for want of memory: use fewer "
    "(n_threads), smaller batches (batch_size), or a machine with more memory"
)

BatchT = TypeVar("BatchT")


class ClipLoader(DataLoader[BatchT]):
    """PyTorch's loader, whose trouble with its workers is one line.

    Args:
        dataset: what the batches are made of; it travels to the workers.
        num_workers: processes that make batches; 0 makes them in this one.
        limit_s: longest wait for a batch of a worker, in seconds.
        settings: PyTorch's own.
    """

    def __init__(
        self, dataset: Any, *, num_workers: int, limit_s: float = LIMIT_S, **settings: Any
    ) -> None:
        if num_workers:
            settings |= {"multiprocessing_context": worker_context(), "timeout": _LOOK_S}
        super().__init__(dataset, num_workers=num_workers, **settings)
        self._limit_s = limit_s

    def __iter__(self) -> Iterator[BatchT]:  # type: ignore[override]
        """Yield batches.

        Raises:
            DataError: a worker ended, all gave nothing for `limit_s`, or one or the server that
                forks them was stopped for so long.
        """
        batches, waited = self._started(), 0.0
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            except (EOFError, ConnectionError) as error:
                # It was killed while it gave a batch's memory away.
                raise DataError(_ENDED_LINE) from error
            except RuntimeError as error:
                waited += self.timeout
                if _SILENT in str(error) and waited < self._limit_s:
                    continue
                raise _explained(error, waited) from error
            waited = 0.0
            yield batch

    def _started(self) -> Any:
        """Return PyTorch's iterator, whose processes are watched from now on."""
        if self.num_workers:
            end_if_stopped(_server(), limit_s=self._limit_s)
        try:
            batches = super().__iter__()
        except (EOFError, ConnectionError) as error:
            msg = (
                "the process that loader workers are forked from was ended from outside: run the "
                "same command again; n_threads=0 loads in this process"
            )
            raise DataError(msg) from error
        workers = getattr(batches, "_workers", ())
        end_if_stopped((worker.pid for worker in workers), limit_s=self._limit_s)
        return batches


def _server() -> list[int]:
    """Return the number of the process that workers are forked from, where there is one."""
    pid = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    return [] if pid is None else [pid]


def _explained(error: RuntimeError, waited: float) -> Exception:
    if _ENDED in str(error):
        return DataError(_ENDED_LINE)
    if _SILENT in str(error):
        return DataError(
            f"no batch from the loader workers in {waited:g} s: can the frame store be read? "
            "n_threads=0 loads in this process"
        )
    return error


@functools.cache
def worker_context() -> BaseContext:
    """Return how worker processes are started: by a server of one thread, where there is one."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["vcc.data.clips.loaders"])
    with _variables(_ONE_THREAD):
        forkserver.ensure_running()
    return context


@contextlib.contextmanager
def _variables(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
