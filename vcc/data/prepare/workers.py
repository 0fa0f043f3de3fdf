"""Videos converted side by side: by processes of this machine, or by a Dask cluster's."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator, Sequence
from typing import Any

import joblib

from vcc.config.data import PrepareOptions
from vcc.data.machine import usable_cores
from vcc.data.prepare.convert import ConvertJob, ConvertResult, convert
from vcc.data.side_by_side import side_by_side
from vcc.errors import DataError

# Beyond what a cluster's workers take to come up.
_WORKERS_S = 60
# A process costs about a second to start, as much as converting this many short videos.
_VIDEOS_PER_PROCESS = 16


def convert_all(options: PrepareOptions, jobs: Sequence[ConvertJob]) -> Iterator[ConvertResult]:
    """Convert every video, as many at once as the options say; yield results as they come.

    Raises:
        DataError: Dask is not installed, no scheduler answers, it has no workers, or the processes
            fell silent.
        OSError: the store cannot be written.
        concurrent.futures.process.BrokenProcessPool: a process was killed.
    """
    with _backend(options) as n_jobs:
        wanted = n_jobs or min(usable_cores(), 1 + len(jobs) // _VIDEOS_PER_PROCESS)
        yield from side_by_side((joblib.delayed(convert)(job) for job in jobs), n_jobs=wanted)


@contextlib.contextmanager
def _backend(options: PrepareOptions) -> Iterator[int]:
    if options.dask_scheduler is None:
        yield options.n_jobs
        return
    try:
        client_class = importlib.import_module("dask.distributed").Client
    except ImportError:
        msg = "dask_scheduler: Dask is not installed; `pip install 'vcc[cluster]'` brings it"
        raise DataError(msg) from None
    local = options.dask_scheduler == "local"
    settings: dict[str, Any] = {"processes": True, "dashboard_address": None} if local else {}
    try:
        client = client_class(None if local else options.dask_scheduler, **settings)
    except (OSError, ValueError) as error:
        msg = (
            f"dask_scheduler: no scheduler answers at {options.dask_scheduler!r} ({error}); start "
            "`dask scheduler` and give its address, such as tcp://host:8786"
        )
        raise DataError(msg) from None
    with client:
        _require_workers(client, options.dask_scheduler)
        with joblib.parallel_config(backend="dask", client=client):
            yield -1


def _require_workers(client: Any, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=_WORKERS_S)
    except TimeoutError:
        msg = (
            f"dask_scheduler: {address} had no workers for {_WORKERS_S} s: start "
            f"`dask worker {address}` where the videos can be read"
        )
        raise DataError(msg) from None
