"""Hostile and broken video files, written byte by byte where no encoder would write them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from data_videos import smooth_frames, write_video
from hypothesis import strategies as st


def black_jpeg(height: int, width: int) -> bytes:
    """Return a black picture; 6000 x 6000 pixels take about 0.6 MB."""
    done, data = cv2.imencode(".jpg", np.zeros((height, width, 3), np.uint8))
    assert done
    return bytes(data)


def motion_jpeg(pictures: Sequence[bytes], *, height: int, width: int) -> bytes:
    """Return an AVI file of JPEG pictures, whatever size it declares and they have."""
    count = len(pictures)
    main = struct.pack("<14I", 40_000, 0, 0, 16, count, 0, 1, 0, width, height, 0, 0, 0, 0)
    stream = struct.pack(
        "<4s4sIHHIIIIIIIIHHHH",
        *(b"vids", b"MJPG", 0, 0, 0, 0, 1, 25, 0, count, 0, 0, 0, 0, 0, width, height),
    )
    picture = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, b"MJPG", 0, 0, 0, 0, 0)
    header = _chunk(b"avih", main) + _list(
        b"strl", _chunk(b"strh", stream) + _chunk(b"strf", picture)
    )
    frames = b"".join(_chunk(b"00dc", data) for data in pictures)
    return _chunk(b"RIFF", b"AVI " + _list(b"hdrl", header) + _list(b"movi", frames))


def growing_bomb(side: int) -> bytes:
    """Return a small video whose last frame is suddenly `side` pixels wide and high."""
    return motion_jpeg([black_jpeg(32, 32)] * 9 + [black_jpeg(side, side)], height=32, width=32)


def tiny_videos(folder: Path) -> list[bytes]:
    """Return whole videos of every container, so small that a changed byte often matters."""
    kinds = {"a.avi": "FFV1", "b.avi": "MJPG", "c.avi": "XVID", "d.mp4": "mp4v", "e.mkv": "FFV1"}
    kinds |= {"f.webm": "VP80", "g.mpg": "PIM1"}
    frames = smooth_frames(6, height=16, width=24)
    videos = [
        write_video(folder / name, frames, codec=codec).read_bytes()
        for name, codec in kinds.items()
    ]
    assert all(len(video) > 100 for video in videos)
    return [*videos, growing_bomb(64), motion_jpeg([black_jpeg(8, 8)] * 3, height=9000, width=9000)]


@st.composite
def damaged_video(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A video with bytes changed, cut out, doubled, or spliced with those of another."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 4))):
        # Headers are where a byte matters most.
        place = draw(st.integers(0, max(0, draw(st.sampled_from((64, len(data)))) - 1)))
        place = min(place, max(0, len(data) - 1))
        piece = draw(st.binary(min_size=1, max_size=6))
        change = draw(st.sampled_from(("set", "insert", "cut", "splice")))
        if change == "set":
            data[place : place + len(piece)] = piece
        elif change == "insert":
            data[place:place] = piece
        elif change == "cut":
            del data[place : place + draw(st.integers(1, 400))]
        else:
            data[place:] = draw(st.sampled_from(seeds))[place:]
    return bytes(data)


def _list(name: bytes, content: bytes) -> bytes:
    return _chunk(b"LIST", name + content)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\x00" * (len(content) % 2)
