"""What a worker of `prepare` makes of one video."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from convert_jobs import KINDS, job
from data_videos import smooth_frames, tree_bytes, write_video

from vcc.data.decoding.reading import Reading
from vcc.data.prepare.convert import PixelSums, convert, source_digest, source_key
from vcc.data.store.frames import read_frames


@pytest.mark.parametrize("kind", KINDS)
def test_another_setting_or_source_is_converted_again(tmp_path: Path, kind: str) -> None:
    source = write_video(tmp_path / "in" / "video.avi", smooth_frames(5))
    convert(job(tmp_path, kind))
    smaller = convert(job(tmp_path, kind, short_side=18))
    assert smaller.stored is not None
    assert not smaller.reused
    assert (smaller.stored.height, smaller.stored.width) == (18, 24)
    write_video(source, smooth_frames(9))
    longer = convert(job(tmp_path, kind, short_side=18))
    assert longer.stored is not None
    assert longer.stored.n_frames == 9


def test_pixel_sums(tmp_path: Path) -> None:
    # Frames 0 and 8 are sampled: red 10 and 30, green 0, blue 200.
    frames = np.zeros((9, 36, 48, 3), np.uint8)
    frames[..., 0] = 99
    frames[0, ..., 0], frames[8, ..., 0] = 10, 30
    frames[..., 2] = 200
    write_video(tmp_path / "in" / "video.avi", frames)
    stored = convert(job(tmp_path, "raw")).stored
    assert stored is not None
    pixels = 36 * 48
    assert stored.pixel_count == 2 * pixels
    assert stored.pixel_sum == pytest.approx((40 * pixels, 0, 400 * pixels))
    assert stored.pixel_square_sum == pytest.approx((1000 * pixels, 0, 80000 * pixels))


def test_frame_tree_as_input(tmp_path: Path) -> None:
    write_video(tmp_path / "in" / "video.avi", smooth_frames(4))
    convert(job(tmp_path, "jpg"))
    tree = tmp_path / "out" / "video"
    result = convert(job(tmp_path, "raw", source=tree, target=tmp_path / "again.vcf"))
    assert result.stored is not None
    assert result.stored.n_frames == 4
    got = read_frames(tmp_path / "again.vcf", "raw", [0, 3], shape=(36, 48))
    expected = read_frames(tree, "jpg", [0, 3], shape=(36, 48))
    assert np.array_equal(got, expected)
    (tree / "n_frames").write_text("5")
    assert "truncated: 4 of 5" in convert(job(tmp_path, "packed", source=tree)).reason
    (tree / "n_frames").write_text("4")
    (tree / "image_00002.jpg").unlink()
    (tree / "image_00002.jpg").mkdir()
    assert "image_00002.jpg cannot be read" in convert(job(tmp_path, "raw", source=tree)).reason


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_video_leaves_nothing_behind(tmp_path: Path, kind: str) -> None:
    source = write_video(tmp_path / "in" / "video.avi", smooth_frames(40))
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    result = convert(job(tmp_path, kind))
    assert result.stored is None
    assert result.reason.startswith("truncated: ")
    assert tree_bytes(tmp_path / "out") == {}


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty file"), (b"not a video" * 500, "not a readable video")]
)
def test_reasons(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "video.avi").write_bytes(content)
    assert convert(job(tmp_path, "raw")).reason == reason


def test_missing_source(tmp_path: Path) -> None:
    assert convert(job(tmp_path, "raw")).reason == "cannot be read: No such file or directory"


def test_an_error_of_opencv_is_the_video_s_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_video(tmp_path / "in" / "video.avi", smooth_frames(2))

    def fail(*_: object) -> None:
        cv2.resize(np.zeros((0, 4, 3), np.uint8), (2, 2))

    monkeypatch.setattr("vcc.data.prepare.convert.shrunk_frames", fail)
    result = convert(job(tmp_path, "raw"))
    assert result.stored is None
    assert result.reason.startswith("cannot be decoded: ")
    assert "\n" not in result.reason


def test_a_full_disk_is_not_the_video_s_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_video(tmp_path / "in" / "video.avi", smooth_frames(2))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vcc.data.store.files.ContainerWriter.finish", fail)
    with pytest.raises(OSError, match="No space left"):
        convert(job(tmp_path, "raw"))
    assert tree_bytes(tmp_path / "out") == {}


def test_a_key_tells_every_setting_that_changes_the_store(tmp_path: Path) -> None:
    write_video(tmp_path / "in" / "video.avi", smooth_frames(2))
    first = job(tmp_path, "packed")
    keys = [
        source_key(each)
        for each in (
            first,
            job(tmp_path, "jpg"),
            replace(first, short_side=64),
            replace(first, jpeg_quality=80),
            replace(first, reading=Reading(fps=5)),
            replace(first, reading=Reading(min_decoded_share=0.9)),
        )
    ]
    assert len(set(keys)) == len(keys)
    assert source_key(replace(first, number=9, target=tmp_path / "elsewhere")) == keys[0]
    # Raw frames have no quality.
    raw = job(tmp_path, "raw")
    assert source_key(replace(raw, jpeg_quality=1)) == source_key(raw)


def test_a_folder_s_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    assert source_digest(tmp_path / "file") == hashlib.sha256(b"content").hexdigest()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "image_00001.jpg").write_bytes(b"1")
    one = source_digest(tmp_path / "a")
    (tmp_path / "a" / "a folder is not looked into").mkdir()
    assert source_digest(tmp_path / "a") == one
    (tmp_path / "a" / "image_00001.jpg").rename(tmp_path / "a" / "image_00002.jpg")
    assert source_digest(tmp_path / "a") != one


def test_sums_are_per_channel_in_rgb() -> None:
    sums = PixelSums()
    for level in (10, 30):
        sums.add(np.full((2, 3, 3), (level, 0, 2), np.uint8))
    assert sums.count == 12
    assert sums.total.tolist() == pytest.approx([24, 0, 240])
    assert sums.squares.tolist() == pytest.approx([48, 0, 6000])
