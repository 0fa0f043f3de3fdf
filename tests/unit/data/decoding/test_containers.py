"""Which container a file's first bytes are, and that play lists are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from data_videos import smooth_frames, write_video
from decoded import read_video

from vcc.data.decoding.containers import (
    HEAD_BYTES,
    KINDS,
    VIDEO_SUFFIXES,
    container_of,
    container_suffix,
)
from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.video_file import VideoFile


def packets(first: int, length: int) -> bytes:
    """Return the head of a transport stream: a sync byte at the start of each packet."""
    head = bytearray(HEAD_BYTES)
    head[first::length] = b"\x47" * len(range(first, HEAD_BYTES, length))
    return bytes(head)


@pytest.mark.parametrize(
    ("head", "suffix"),
    [
        (b"RIFF....AVI LIST", ".avi"),
        (b"....ftypisom", ".mp4"),
        (b"....moov", ".mp4"),
        (b"\x1a\x45\xdf\xa3", ".mkv"),
        (b"\x00\x00\x01\xba", ".mpg"),
        (b"\x00\x00\x01\xb3", ".mpg"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", ".wmv"),
        (b"FLV\x01", ".flv"),
        (b"OggS", ".ogv"),
        (b"\x1f\x07\x00", ".dv"),
        (packets(0, 188), ".ts"),
        (packets(4, 192), ".ts"),
        (packets(0, 204), ".ts"),
        # cut anywhere, as recorders of broadcasts do
        (packets(101, 188), ".ts"),
        (packets(187, 192), ".ts"),
        (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02\x04\x00", ".mxf"),
        # behind a run-in
        (bytes(60_000) + b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02", ".mxf"),
        (b"YUV4MPEG2 W96 H64 F25:1", ".y4m"),
        (b"DKIF\x00\x00\x20\x00VP80", ".ivf"),
        (b"\0\0\0\1\x67\x42\xc0", ".h264"),
        (b"\0\0\1\x09\xf0", ".h264"),
        (b"\0\0\0\1\x40\x01\x0c", ".h265"),
        (b"\x12\x00\x0a\x0b", ".obu"),
    ],
)
def test_a_container_is_known_by_its_first_bytes(head: bytes, suffix: str) -> None:
    assert container_suffix(head) == suffix
    assert suffix in VIDEO_SUFFIXES
    assert suffix[1:] in KINDS


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"RIFF....WAVE",
        b"....ftypheic",
        b"....ftypavif",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9",
        b"\xff\xd8\xff\xe0",
        packets(0, 188)[:376],
        b"G" * 188,
        # By accident, four bytes lie so in a row.
        packets(101, 188)[: 101 + 4 * 188],
        bytes(HEAD_BYTES),
    ],
)
def test_pictures_sound_text_and_halves_are_none(head: bytes) -> None:
    assert container_of(head) is None
    assert container_suffix(head) is None


@pytest.mark.parametrize(
    ("suffix", "codec", "error"),
    [("avi", "FFV1", 0), ("mkv", "FFV1", 0), ("mp4", "mp4v", 8), ("webm", "VP80", 8)],
)
def test_containers_are_read(tmp_path: Path, suffix: str, codec: str, error: float) -> None:
    frames = smooth_frames(10, height=64, width=80)
    path = write_video(tmp_path / f"ü 'video' 100%.{suffix}", frames, codec=codec)
    assert VideoFile(path).fps == 25.0
    got = read_video(path, 128)
    assert got.shape == frames.shape
    assert np.abs(got.astype(int) - frames).mean() <= error


@pytest.mark.parametrize(
    "text",
    ["#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n", "ffconcat version 1.0\nfile {}\n"],
)
def test_a_play_list_is_not_followed(tmp_path: Path, text: str) -> None:
    write_video(tmp_path / "other.avi", smooth_frames(5))
    path = tmp_path / "list.avi"
    path.write_text(text.format("other.avi"))
    with pytest.raises(BadVideoError, match="not a readable video"):
        VideoFile(path)
