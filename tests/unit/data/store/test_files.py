"""The frame store's files: what they say of themselves, and damage that is noticed."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from convert_jobs import KINDS, job
from data_videos import smooth_frames, tree_bytes, write_video

from vcc.data.prepare.convert import convert
from vcc.data.store.files import checksum, read_description


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_file_describes_itself(tmp_path: Path, kind: str) -> None:
    write_video(tmp_path / "in" / "video.avi", smooth_frames(5))
    stored = convert(job(tmp_path, kind)).stored
    target = job(tmp_path, kind).target
    assert stored is not None
    assert read_description(target) == stored
    assert checksum(target) == stored.checksum
    again = convert(job(tmp_path, kind))
    assert again.reused
    assert again.stored == stored


def test_frame_tree_is_the_thesis_form(tmp_path: Path) -> None:
    write_video(tmp_path / "in" / "video.avi", smooth_frames(3))
    convert(job(tmp_path, "jpg"))
    names = sorted(tree_bytes(tmp_path / "out" / "video"))
    assert names == [
        "description.json",
        "image_00001.jpg",
        "image_00002.jpg",
        "image_00003.jpg",
        "n_frames",
    ]
    assert (tmp_path / "out" / "video" / "n_frames").read_text().strip() == "3"
    image = cv2.imread(str(tmp_path / "out" / "video" / "image_00001.jpg"))
    assert image is not None
    assert image.shape == (36, 48, 3)


@pytest.mark.parametrize("kind", ["raw", "packed"])
def test_damage_is_noticed(tmp_path: Path, kind: str) -> None:
    write_video(tmp_path / "in" / "video.avi", smooth_frames(5))
    stored = convert(job(tmp_path, kind)).stored
    target = job(tmp_path, kind).target
    assert stored is not None
    content = bytearray(target.read_bytes())
    content[10] ^= 1
    target.write_bytes(content)
    assert checksum(target) != stored.checksum
    target.write_bytes(content[:-40])
    assert read_description(target) is None
    target.unlink()
    assert read_description(target) is None
