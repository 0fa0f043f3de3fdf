"""Prepare on a Dask cluster: the same store as with processes of this machine."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from unittest import mock

import pytest
from data_videos import tree_bytes, write_tree

from vcc.config.data import PrepareOptions
from vcc.data.prepare import prepare
from vcc.errors import DataError

HAS_DASK = importlib.util.find_spec("distributed") is not None


def options(root: Path, name: str, **changes: object) -> PrepareOptions:
    values: dict[str, object] = {
        "videos": root / "videos",
        "output": root / name,
        "dataset": "x",
        "n_jobs": 1,
    }
    return PrepareOptions(**{**values, **changes})


@pytest.mark.skipif(not HAS_DASK, reason="dask[distributed] is not installed")
def test_a_local_cluster_makes_the_same_store(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos")
    here = prepare(options(tmp_path, "here"))
    # Dask sets environment variables of its own for its workers.
    with mock.patch.dict(os.environ):
        there = prepare(options(tmp_path, "there", dask_scheduler="local"))
    assert there.digest == here.digest
    frames = [tree_bytes(tmp_path / name / "frames") for name in ("here", "there")]
    assert frames[0] == frames[1]


@pytest.mark.skipif(HAS_DASK, reason="Dask is installed")
def test_without_dask_the_message_says_what_to_install(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos")
    with pytest.raises(DataError, match=r"pip install 'dask\[distributed\]'"):
        prepare(options(tmp_path, "there", dask_scheduler="local"))
    assert not (tmp_path / "there" / "manifest.json").exists()
