"""Hostile and broken video files, written byte by byte where no encoder would write them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import cv2
import numpy as np


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


def _list(name: bytes, content: bytes) -> bytes:
    return _chunk(b"LIST", name + content)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\x00" * (len(content) % 2)
