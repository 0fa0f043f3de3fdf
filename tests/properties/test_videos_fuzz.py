"""Video files from others, damaged: `prepare` stores them or says why not, and nothing is left."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from bad_videos import damaged_video, tiny_videos
from data_videos import tree_bytes
from decoded import read_video
from fuzzing import few_or_many, fuzz, refused
from hypothesis import strategies as st

from vcc.data.prepare.convert import ConvertJob, convert
from vcc.errors import DataError

SUFFIXES = st.sampled_from((".avi", ".mp4", ".mkv", ".webm", ".mov", ".mpg"))


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return tiny_videos(tmp_path_factory.mktemp("seeds"))


def stored_or_reported(folder: Path, name: str, content: bytes, kind: str) -> None:
    source, out = folder / name, folder / "out"
    source.write_bytes(content)
    found = convert(
        ConvertJob(
            number=0, source=source, target=out / "v", kind=kind, short_side=16, jpeg_quality=90
        )
    )
    left = tree_bytes(folder)
    assert left.pop(name) == content
    if found.stored is None:
        assert found.reason
        assert "\n" not in found.reason
        assert not left
    else:
        assert found.stored.n_frames > 0
        assert set(left) == {"out/v"}


@few_or_many(150)
def test_any_video_is_stored_or_reported(seeds: list[bytes], examples: int) -> None:
    def check(data: st.DataObject) -> None:
        content = data.draw(damaged_video(seeds) | st.binary(max_size=60))
        name = f"video{data.draw(SUFFIXES)}"
        kind = data.draw(st.sampled_from(("raw", "packed")))
        with tempfile.TemporaryDirectory() as folder:
            stored_or_reported(Path(folder), name, content, kind)

    fuzz(st.data(), check, examples)


@few_or_many(100)
def test_any_video_is_read_or_refused(seeds: list[bytes], tmp_path: Path, examples: int) -> None:
    path = tmp_path / "video.avi"

    def check(content: bytes) -> None:
        path.write_bytes(content)
        refused(lambda: read_video(path, 16, max_frames=20), DataError)

    fuzz(damaged_video(seeds), check, examples)
