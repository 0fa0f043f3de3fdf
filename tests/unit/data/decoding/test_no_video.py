"""What files are that are no videos."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from vcc.data.decoding.containers import container_of
from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.no_video import why_no_video
from vcc.data.decoding.video_file import VideoFile


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"GIF89a", r"a picture \(GIF\), no video; make a video of an animated one"),
        (b"\x89PNG\r\n\x1a\n", r"a picture \(PNG\)"),
        (b"\xff\xd8\xff\xe0", r"a picture \(JPEG\), or a raw stream of them"),
        (b"RIFF....WEBPVP8 ", r"a picture \(WebP\)"),
        (b"....ftypheic", "a picture"),
        (b"RIFF....WAVE", "sound"),
        (b"BM....\0\0\0\0", r"a picture \(BMP\)"),
        (b"ID3\x04", r"sound \(MP3\)"),
        (b"PK\x03\x04", ".*unpack"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", ".*git lfs pull"),
    ],
)
def test_what_is_no_video_is_named(tmp_path: Path, head: bytes, words: str) -> None:
    assert container_of(head) is None
    path = tmp_path / "video.mp4"
    path.write_bytes(head)
    with pytest.raises(BadVideoError, match=f"^is {words}") as caught:
        VideoFile(path)
    assert str(caught.value) == why_no_video(head)


def test_a_picture_called_a_video(tmp_path: Path) -> None:
    path = tmp_path / "still.png"
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    path = path.rename(tmp_path / "still.mp4")
    with pytest.raises(BadVideoError, match=r"is a picture \(PNG\)"):
        VideoFile(path)


@pytest.mark.parametrize(
    "head", [b"", b"\0\0\1", b"\0\0\0\1\x67\x00", b"#EXTM3U\n", bytes(20), b"RIFF....CDXA"]
)
def test_what_is_not_known_is_not_guessed(head: bytes) -> None:
    assert why_no_video(head) == ""
