"""Videos converted side by side: here, and on a Dask cluster, with the same store."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
from convert_jobs import job
from dask.distributed import LocalCluster
from data_videos import tree_bytes, write_tree

from vcc.config.data import PrepareOptions
from vcc.data.prepare import workers
from vcc.data.prepare.run import prepare
from vcc.data.prepare.workers import convert_all
from vcc.errors import DataError


def options(root: Path, name: str, **changes: object) -> PrepareOptions:
    values: dict[str, object] = {
        "videos": root / "videos",
        "output": root / name,
        "dataset": "x",
        "n_jobs": 1,
    }
    return PrepareOptions(**{**values, **changes})


def test_a_local_cluster_makes_the_same_store(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos")
    here = prepare(options(tmp_path, "here"))
    # Dask sets environment variables of its own for its workers.
    with mock.patch.dict(os.environ):
        there = prepare(options(tmp_path, "there", dask_scheduler="local"))
    assert there.digest == here.digest
    frames = [tree_bytes(tmp_path / name / "frames") for name in ("here", "there")]
    assert frames[0] == frames[1]


@pytest.mark.slow
def test_a_cluster_is_given_by_its_address(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos")
    here = prepare(options(tmp_path, "here"))
    with (
        mock.patch.dict(os.environ),
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
    ):
        address = cluster.scheduler_address
        there = prepare(options(tmp_path, "there", dask_scheduler=address))
    assert there.digest == here.digest


def test_without_dask_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path / "videos")
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    with pytest.raises(DataError, match=r"pip install 'vcc\[cluster\]'"):
        prepare(options(tmp_path, "there", dask_scheduler="local"))
    assert not (tmp_path / "there" / "manifest.json").exists()


def test_an_address_that_is_none_is_an_error(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos")
    with (
        mock.patch.dict(os.environ),
        pytest.raises(DataError, match=r"no scheduler answers at 'quic://nowhere' \(unknown"),
    ):
        prepare(options(tmp_path, "there", dask_scheduler="quic://nowhere"))


def test_a_scheduler_without_workers_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Idle(contextlib.nullcontext[None]):
        def __init__(self, address: str) -> None:
            super().__init__()

        def wait_for_workers(self, count: int, *, timeout: float) -> None:
            assert (count, timeout) == (1, workers._WORKERS_S)
            raise TimeoutError

    monkeypatch.setitem(sys.modules, "dask.distributed", SimpleNamespace(Client=Idle))
    write_tree(tmp_path / "videos")
    # Joblib's own error is an OSError, which reads like a full disk.
    with pytest.raises(DataError, match="tcp://host:1 had no workers for 60 s: start `dask worker"):
        prepare(options(tmp_path, "there", dask_scheduler="tcp://host:1"))


@pytest.mark.parametrize(
    ("n_jobs", "videos", "processes"), [(0, 3, 1), (0, 16, 2), (0, 1000, 8), (3, 1, 3)]
)
def test_few_videos_get_few_processes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, n_jobs: int, videos: int, processes: int
) -> None:
    asked: list[int] = []

    def side_by_side(calls: object, *, n_jobs: int) -> list[str]:
        asked.append(n_jobs)
        return ["done"]

    monkeypatch.setattr("vcc.data.prepare.workers.usable_cores", lambda: 8)
    monkeypatch.setattr("vcc.data.prepare.workers.side_by_side", side_by_side)
    jobs = [job(tmp_path, "raw")] * videos
    made = list(convert_all(options(tmp_path, "here", n_jobs=n_jobs), jobs))
    assert (made, asked) == (["done"], [processes])
