"""The frame store's files: round trips, self-description, and damage that is noticed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from data_videos import smooth_frames, tree_bytes, write_video

from vcc.data.convert import ConvertJob, convert
from vcc.data.decoding.frame_folder import numbered_images
from vcc.data.store import checksum, read_description
from vcc.data.stored_frames import read_frames
from vcc.errors import DataError

KINDS = ("raw", "packed", "jpg")


def job(tmp_path: Path, kind: str, **changes: object) -> ConvertJob:
    values: dict[str, object] = {
        "number": 3,
        "source": tmp_path / "in" / "video.avi",
        "target": tmp_path / "out" / ("video" if kind == "jpg" else "video.vcf"),
        "kind": kind,
        "short_side": 128,
        "jpeg_quality": 90,
    }
    return ConvertJob(**{**values, **changes})  # type: ignore[arg-type]


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
    for content in ("²", "four", "-1", "9" * 5000, "\xff"):
        (tree / "n_frames").write_text(content, "latin-1")
        reason = convert(job(tmp_path, "packed", source=tree)).reason
        assert reason.startswith("n_frames holds "), content
        assert "not a number" in reason
    (tree / "n_frames").write_text("")
    assert convert(job(tmp_path, "packed", source=tree)).reason == "n_frames is empty"
    (tree / "n_frames").write_text("4")
    (tree / "image_00002.jpg").write_bytes(b"no image")
    assert "image_00002.jpg" in convert(job(tmp_path, "packed", source=tree)).reason
    (tree / "image_00002.jpg").unlink()
    (tree / "image_00002.jpg").mkdir()
    assert "image_00002.jpg cannot be read" in convert(job(tmp_path, "raw", source=tree)).reason


def test_images_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    names = ["image_00002.jpg", "image_99999.jpg", "image_100000.jpg", "image_100001.jpg"]
    for name in reversed(names):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in numbered_images(tmp_path)] == names


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
    with pytest.raises(DataError, match="run prepare again"):
        read_frames(target, kind, [0], shape=(36, 48))
    target.unlink()
    assert read_description(target) is None
    with pytest.raises(DataError, match="cannot read stored frames"):
        read_frames(target, kind, [0], shape=(36, 48))
