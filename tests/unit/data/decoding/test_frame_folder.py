"""A folder of JPEG frames as a video."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from data_videos import smooth_frames

from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.frame_folder import FrameFolder, numbered_images


def folder(path: Path, count: int, *, n_frames: bytes | None = None) -> Path:
    """Write JPEG frames of 36 x 48 and, if given, what `n_frames` holds."""
    for number, frame in enumerate(smooth_frames(4)[:count], start=1):
        cv2.imwrite(str(path / f"image_{number:05d}.jpg"), frame)
    if n_frames is not None:
        (path / "n_frames").write_bytes(n_frames)
    return path


@pytest.mark.parametrize(("n_frames", "count"), [(None, 4), (b"4\n", 4), (b" 2 ", 2), (b"0003", 3)])
def test_frames_are_as_many_as_declared(tmp_path: Path, n_frames: bytes | None, count: int) -> None:
    found = FrameFolder(folder(tmp_path, 4, n_frames=n_frames))
    frames = list(found.frames())
    assert (len(frames), found.declared) == (count, count)
    assert frames[0].shape == (36, 48, 3)
    assert (found.height, found.width) == (36, 48)
    # It knows no times, and no damage of a stream.
    assert (found.fps, found.cut, found.variable_rate) == (0.0, "", False)


@pytest.mark.parametrize(
    ("n_frames", "message"),
    [
        (b"5", "^truncated: 4 of 5 frames$"),
        (b"", "^n_frames is empty$"),
        (b"many", "^n_frames holds 'many', not a number$"),
        (b"-1", "^n_frames holds '-1', not a number$"),
        (b"\xff\xfe", r"^n_frames holds '\\\\xff\\\\xfe', not a number$"),
        ("\u0664".encode(), "not a number$"),
        ("²".encode("latin-1"), "not a number$"),
        (b"9" * 5000, "^n_frames holds '9{20}', not a number$"),
    ],
)
def test_a_wrong_count_is_refused(tmp_path: Path, n_frames: bytes, message: str) -> None:
    with pytest.raises(BadVideoError, match=message):
        FrameFolder(folder(tmp_path, 4, n_frames=n_frames))


def test_n_frames_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "n_frames").mkdir()
    with pytest.raises(BadVideoError, match="^n_frames cannot be read: "):
        FrameFolder(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no image", "^image_00002.jpg is not a readable JPEG image$"),
        (b"", "^image_00002.jpg is empty$"),
    ],
)
def test_a_damaged_image_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (folder(tmp_path, 3) / "image_00002.jpg").write_bytes(content)
    with pytest.raises(BadVideoError, match=message):
        list(FrameFolder(tmp_path).frames())


@pytest.mark.parametrize("n_frames", [None, b"0"])
def test_no_frames_are_no_video(tmp_path: Path, n_frames: bytes | None) -> None:
    with pytest.raises(BadVideoError, match="^zero frames$"):
        list(FrameFolder(folder(tmp_path, 0, n_frames=n_frames)).frames())


def test_images_are_ordered_by_number(tmp_path: Path) -> None:
    names = ["image_00002.jpg", "image_99999.jpg", "image_100000.jpg", "image_00010.jpg"]
    for name in (*names, "thumb.jpg", "image_00001.png"):
        (tmp_path / name).touch()
    assert [path.name for path in numbered_images(tmp_path)] == [
        "image_00002.jpg",
        "image_00010.jpg",
        "image_99999.jpg",
        "image_100000.jpg",
    ]
