"""Reading frames out of the store: whole ones, boxes, and what is damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from convert_jobs import KINDS, job
from data_videos import smooth_frames, write_video

from vcc.data.clips.box import Box
from vcc.data.clips.scratch import Scratch
from vcc.data.prepare.convert import convert
from vcc.data.store.frames import read_box, read_frames
from vcc.errors import DataError

SHAPE = (36, 48)


@pytest.fixture(params=KINDS)
def stored(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Path, str]:
    """Five stored frames, and their kind."""
    write_video(tmp_path / "in" / "video.avi", smooth_frames(5))
    convert(job(tmp_path, request.param))
    return job(tmp_path, request.param).target, request.param


@pytest.mark.parametrize("kind", KINDS)
def test_stored_frames_are_the_decoded_ones(tmp_path: Path, kind: str) -> None:
    frames = smooth_frames(7)
    write_video(tmp_path / "in" / "video.avi", frames, fps=12.5)
    result = convert(job(tmp_path, kind))
    assert (result.number, result.reason, result.reused) == (3, "", False)
    stored = result.stored
    assert stored is not None
    assert (stored.n_frames, stored.height, stored.width, stored.fps) == (7, 36, 48, 12.5)
    indices = np.array([6, 0, 3, 3])
    got = read_frames(job(tmp_path, kind).target, kind, indices, shape=(36, 48))
    difference = np.abs(np.stack(got).astype(int) - frames[indices])
    assert difference.max() == 0 if kind == "raw" else difference.mean() < 3


def test_a_box_is_cut_out_of_the_whole_frames(stored: tuple[Path, str]) -> None:
    path, kind = stored
    indices = [4, 0, 4, 1]
    whole = np.stack(read_frames(path, kind, indices, shape=SHAPE))
    box = Box(top=3, left=11, side=20)
    got = read_box(path, kind, indices, box, shape=SHAPE, scratch=Scratch())
    assert got.shape == (4, 20, 20, 4)
    difference = np.abs(got[..., :3].astype(int) - whole[:, 3:23, 11:31])
    assert difference.max() == 0 if kind == "raw" else difference.mean() < 2


@pytest.mark.parametrize("indices", [[5], [0, 9], [-1]])
def test_a_frame_that_is_not_there_is_an_error(
    stored: tuple[Path, str], indices: list[int]
) -> None:
    path, kind = stored
    with pytest.raises(DataError, match="cannot read stored frames"):
        read_frames(path, kind, indices, shape=SHAPE)
    box = Box(top=0, left=0, side=36)
    with pytest.raises(DataError, match="cannot read stored frames"):
        read_box(path, kind, indices, box, shape=SHAPE, scratch=Scratch())


@pytest.mark.parametrize("content", [b"", b"short", b"no store" * 20])
@pytest.mark.parametrize("kind", ["raw", "packed"])
def test_another_file_is_no_store(tmp_path: Path, kind: str, content: bytes) -> None:
    (tmp_path / "video.vcf").write_bytes(content)
    with pytest.raises(DataError, match="video.vcf: cannot read .* run prepare again"):
        read_frames(tmp_path / "video.vcf", kind, [0], shape=SHAPE)


@pytest.mark.parametrize("kind", ["raw", "packed"])
def test_a_cut_store_is_noticed(tmp_path: Path, kind: str) -> None:
    write_video(tmp_path / "in" / "video.avi", smooth_frames(5))
    stored = convert(job(tmp_path, kind)).stored
    target = job(tmp_path, kind).target
    assert stored is not None
    target.write_bytes(target.read_bytes()[:-40])
    with pytest.raises(DataError, match="run prepare again"):
        read_frames(target, kind, [0], shape=(36, 48))
    target.unlink()
    with pytest.raises(DataError, match="cannot read stored frames"):
        read_frames(target, kind, [0], shape=(36, 48))
