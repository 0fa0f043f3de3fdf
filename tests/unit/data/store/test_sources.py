"""What is kept of each source: size and digest, by the video's id."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.data.store.manifest import VideoRecord
from vcc.data.store.sources import (
    SOURCES_NAME,
    Source,
    source_digests,
    source_sizes,
    write_sources,
)

# As people call videos, and as a spreadsheet would take for a formula or a second column.
NAMES = ("v_Run_g01_c01", "=cmd()", 'a "b", c', "été\n2", "-1")


def videos(*names: str) -> list[VideoRecord]:
    return [VideoRecord(name, 0, "run", "", "train", 1, 0.0, 1, 1, "", "") for name in names]


def test_sizes_come_back_in_the_order_of_the_videos(tmp_path: Path) -> None:
    sources = {
        name: Source(width=10 + place, height=20, sha256=f"d{place}")
        for place, name in enumerate(NAMES)
    }
    assert write_sources(sources, tmp_path).name == SOURCES_NAME
    wanted = NAMES[::-1]
    assert source_sizes(tmp_path, videos(*wanted)) == [
        (14, 20),
        (13, 20),
        (12, 20),
        (11, 20),
        (10, 20),
    ]
    assert source_digests(tmp_path) == {name: f"d{place}" for place, name in enumerate(NAMES)}


@pytest.mark.parametrize("size", [(0, 0), None])
def test_one_unknown_size_makes_all_unknown(tmp_path: Path, size: tuple[int, int] | None) -> None:
    sources = {"a": Source(width=10, height=20, sha256="")}
    if size is not None:
        sources["b"] = Source(width=size[0], height=size[1], sha256="d")
    write_sources(sources, tmp_path)
    assert source_sizes(tmp_path, videos("a")) == [(10, 20)]
    assert source_sizes(tmp_path, videos("a", "b")) is None
    assert source_digests(tmp_path) == ({} if size is None else {"b": "d"})


def test_older_data_has_no_sources(tmp_path: Path) -> None:
    assert source_sizes(tmp_path, videos("a")) is None
    assert source_digests(tmp_path) == {}
    (tmp_path / SOURCES_NAME).write_text("id,width,height\na,3,4\n")
    assert source_sizes(tmp_path, videos("a")) == [(3, 4)]
    assert source_digests(tmp_path) == {}
