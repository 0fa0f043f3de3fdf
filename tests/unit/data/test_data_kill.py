"""Prepare killed with SIGKILL at chosen moments, then run again."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from commands import run_command
from data_videos import tree_bytes, write_tree

from vcc.config.data import PrepareOptions
from vcc.data.prepare.run import prepare
from vcc.data.store.prepared import PreparedDataset

ROOT = Path(__file__).resolve().parents[3]

# Runs prepare in one process and kills it at the n-th call of a function, before or after it runs.
DRIVER = """
import importlib, os, signal, sys
from pathlib import Path
from vcc.config.data import PrepareOptions
from vcc.data.prepare.run import prepare

videos, output, store, owner, name, count, when = sys.argv[1:]
module, _, attribute = owner.partition(":")
holder = importlib.import_module(module)
if attribute:
    holder = getattr(holder, attribute)
original, left = getattr(holder, name), int(count)

def killing(*args, **kwargs):
    global left
    left -= 1
    if left == 0 and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*args, **kwargs)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(holder, name, killing)
prepare(PrepareOptions(videos=Path(videos), output=Path(output), store=store, n_jobs=1))
"""

KILLS = [
    # (what is called, its n-th call, before or after it): within a video's frames, before and after
    # a video is put in place, before the manifest, with it written beside its place, and after it.
    ("vcc.data.store.files:ContainerWriter", "add", 10, "after"),
    ("vcc.data.store.files:ContainerWriter", "finish", 2, "before"),
    ("vcc.data.store.files:ContainerWriter", "finish", 3, "after"),
    ("vcc.data.prepare.run", "write_manifest", 1, "before"),
    ("os", "fsync", 1, "after"),
    ("vcc.data.prepare.run", "write_manifest", 1, "after"),
]


def run_and_kill(videos: Path, output: Path, store: str, *point: object) -> None:
    command = [sys.executable, "-c", DRIVER, str(videos), str(output), store, *map(str, point)]
    done = run_command(command, cwd=ROOT)
    assert done.returncode == -signal.SIGKILL, done.stderr


def content(output: Path) -> dict[str, bytes]:
    files = tree_bytes(output)
    # The report tells how long this run took and what it found done.
    files.pop("prepare_report.json")
    return files


@pytest.mark.parametrize("point", KILLS, ids=lambda p: f"{p[1]}-{p[2]}-{p[3]}")
def test_a_killed_run_is_continued(tmp_path: Path, point: tuple[str, str, int, str]) -> None:
    write_tree(tmp_path / "videos")
    options = PrepareOptions(
        videos=tmp_path / "videos", output=tmp_path / "whole", store="packed", n_jobs=1, dataset="x"
    )
    prepare(options)
    killed = tmp_path / "killed"
    run_and_kill(tmp_path / "videos", killed, "packed", *point)
    stored = len(list(killed.rglob("[!.]*.vcf")))
    report = prepare(PrepareOptions(**{**vars(options), "output": killed}))
    assert report.reused == stored
    assert content(killed) == content(tmp_path / "whole")


def test_a_killed_run_of_frame_trees_is_continued(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    options = {"videos": tmp_path / "videos", "store": "jpg", "n_jobs": 1}
    prepare(PrepareOptions(output=whole, **options))
    run_and_kill(
        tmp_path / "videos", killed, "jpg", "vcc.data.store.files:FolderWriter", "add", 10, "after"
    )
    prepare(PrepareOptions(output=killed, **options))
    assert content(killed) == content(whole)


def test_no_manifest_before_all_is_written(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos")
    output = tmp_path / "out"
    run_and_kill(tmp_path / "videos", output, "raw", *KILLS[3])
    assert not (output / "manifest.json").exists()
    run_and_kill(tmp_path / "videos", output, "raw", *KILLS[5])
    assert len(PreparedDataset.open(output).manifest.videos) == 8
