"""Loader workers are started only where their batches find room in shared memory."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from data_videos import prepare_tree, write_tree

from vcc.config.data import ClipOptions
from vcc.data import shared_memory
from vcc.data.clips.loaders import train_loader, usable_workers, video_loader
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.shared_memory import fitting_workers

MB = 10**6

SetFree = Callable[[int], None]


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> SetFree:
    monkeypatch.setattr(shared_memory, "_told", set())
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)

    def set_free(size: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=size))

    return set_free


@pytest.mark.parametrize(
    ("size", "asked", "batch", "expected"),
    [
        (64 * MB, 4, 77 * MB, 0),
        (64 * MB, 4, 5 * MB, 4),
        (64 * MB, 4, 10 * MB, 2),
        (64 * MB, 4, 17 * MB, 1),
        (64 * MB, 4, 18 * MB, 0),
        (64 * MB, 0, 77 * MB, 0),
        (0, 4, 1, 0),
        (64 * MB, 4, 0, 4),
        (8000 * MB, 4, 77 * MB, 4),
    ],
)
def test_as_many_workers_as_find_room(
    free: SetFree, size: int, asked: int, batch: int, expected: int
) -> None:
    free(size)
    assert fitting_workers(asked, batch) == expected


def test_one_line_says_so(free: SetFree, caplog: pytest.LogCaptureFixture) -> None:
    free(64 * MB)
    with caplog.at_level(logging.WARNING, "vcc"):
        for _ in range(3):
            fitting_workers(4, 77 * MB)
    (record,) = caplog.records
    assert "64 MB free" in record.getMessage()
    assert "none of 4" in record.getMessage()
    assert "--shm-size" in record.getMessage()


def test_enough_room_is_no_news(free: SetFree, caplog: pytest.LogCaptureFixture) -> None:
    free(8000 * MB)
    fitting_workers(4, 77 * MB)
    assert not caplog.records


def test_processes_of_one_machine_share_it(free: SetFree, monkeypatch: pytest.MonkeyPatch) -> None:
    free(64 * MB)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert fitting_workers(4, 5 * MB) == 2


def test_without_such_a_folder_nothing_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_memory, "SHARED_MEMORY", Path("no such folder"))
    assert fitting_workers(4, 77 * MB) == 4


def test_loaders_start_none_where_there_is_no_room(free: SetFree, tmp_path: Path) -> None:
    write_tree(tmp_path / "videos", groups=(1, 2, 8, 9), clips=1, frames=9)
    dataset = prepare_tree(tmp_path, store="packed")
    clip = ClipOptions(sample_size=24, sample_duration=4, batch_size=5, n_threads=1)
    protocol = ClipProtocol.from_options(clip)
    wanted = usable_workers(1)
    assert wanted == 1
    for size, workers in ((1000, 0), (64 * MB, 1)):
        free(size)
        train = train_loader(dataset, clip, epoch=0)
        test = video_loader(dataset, "test", protocol, n_threads=1)
        assert (train.num_workers, test.num_workers) == (workers, workers)
    free(1000)
    assert len(list(train_loader(dataset, clip, epoch=0)))


def test_the_sizes_are_those_of_the_batches(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos", groups=(1, 2, 8, 9), clips=1, frames=9)
    dataset = prepare_tree(tmp_path, store="packed")
    clip = ClipOptions(sample_size=24, sample_duration=4, batch_size=2, n_threads=0)
    for teacher in (None, ClipOptions(sample_size=16, sample_duration=2)):
        loader = train_loader(dataset, clip, epoch=0, teacher=teacher)
        batch = next(iter(loader))
        made = sum(part.nbytes for part in batch if part.ndim == 5)
        assert loader.dataset.bytes_of(2) == made  # type: ignore[attr-defined]
    loader = video_loader(dataset, "test", ClipProtocol.from_options(clip), n_threads=0)
    largest = max(batch.clips.nbytes for batch in loader)
    assert loader.dataset.batch_bytes == largest  # type: ignore[attr-defined]
