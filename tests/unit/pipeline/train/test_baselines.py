"""What answers that look at no frame score."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.data.store.manifest import VideoRecord
from vcc.data.store.sources import Source, write_sources
from vcc.pipeline.train.baselines import Resolutions, baseline_answers, resolutions_of


def video(name: str, label: int, subset: str, size: int = 20) -> VideoRecord:
    return VideoRecord(name, label, str(label), "", subset, 1, 0.0, size, size, "", "")


VIDEOS = (
    video("a", 0, "train"),
    video("b", 1, "train", 40),
    video("c", 1, "dev", 40),
    video("d", 0, "test"),
    video("e", 0, "test", 40),
    video("f", 0, "test", 40),
)


def prepared(root: Path = Path("data")) -> Any:
    return SimpleNamespace(
        name="x",
        root=root,
        manifest=SimpleNamespace(videos=VIDEOS),
        videos=lambda subset: [each for each in VIDEOS if each.subset == subset],
    )


def test_the_largest_class_is_of_all_videos_and_resolution_learns_from_dev_too() -> None:
    sizes = {each.id: (each.width, each.height) for each in VIDEOS}
    largest, by_resolution = baseline_answers(prepared(), Resolutions(sizes, of_sources=True))
    assert largest == [0, 0, 0]
    assert by_resolution == [0, 1, 1]


def test_sizes_are_the_sources_where_they_are_known(tmp_path: Path) -> None:
    sources = {each.id: Source(width=320, height=240, sha256="") for each in VIDEOS}
    write_sources(sources, tmp_path)
    found = resolutions_of(prepared(tmp_path))
    assert found.of_sources
    assert found.of(VIDEOS[:2]) == [(320, 240)] * 2


def test_else_the_stored_sizes_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        found = resolutions_of(prepared(tmp_path))
    assert not found.of_sources
    assert found.of(VIDEOS[:2]) == [(20, 20), (40, 40)]
    assert "prepare the data again" in caplog.text
