"""JPEG frames whose rows can be decoded apart.

A training crop needs three quarters of a frame's rows on average. JPEG codes its blocks one after
another, so that decoding begins at the top, except after a restart marker (ITU-T T.81, E.1.4): it
ends a stretch of blocks that depends on nothing before. Frames are written with one after every row
of blocks, which costs some 20 bytes, and the rows wanted are decoded as a lower image of their own.
Any other JPEG image is decoded whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vcc.data.resizing import Frame, as_frame

# At 4:2:0, chroma has half the resolution: blocks of 8 pixels cover 16 of the image each way.
_BLOCK = 16
_SAMPLING = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]

_BASELINE_FRAMES = (0xC0, 0xC1)
_OTHER_FRAMES = (*range(0xC2, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
_RESTART_INTERVAL, _SCAN = 0xDD, 0xDA
_RESTARTS = tuple(bytes((0xFF, 0xD0 + number)) for number in range(8))
_END = b"\xff\xd9"


def encode_jpeg(frame: Frame, quality: int) -> Frame:
    """Return a frame uint8 [H, W, 3] in BGR as a JPEG image, 4:2:0, its rows of blocks apart."""
    blocks = -(-frame.shape[1] // _BLOCK)
    parameters = [
        cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_RST_INTERVAL, blocks, *_SAMPLING,
    ]  # fmt: skip
    return as_frame(cv2.imencode(".jpg", frame, parameters)[1])


def decode_jpeg(data: bytes) -> Frame:
    """Return a JPEG image as a frame uint8 [H, W, 3] in RGB; raises ValueError where it is none."""
    frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if frame is None:
        msg = "not a JPEG image"
        raise ValueError(msg)
    return as_frame(frame)


@dataclass(frozen=True)
class Layout:
    """How an image is cut: its header, where that gives the height, rows per strip, strips."""

    header: bytes
    height_at: int
    strip: int
    count: int
    height: int

    def header_for(self, height: int) -> bytes:
        """Return the header of an image of another height."""
        at = self.height_at
        return self.header[:at] + height.to_bytes(2, "big") + self.header[at + 2 :]


def read_layout(data: bytes) -> Layout | None:
    """Return how a JPEG image is cut into strips, None where it is not, or is no such image."""
    at, height, height_at, strip, blocks, interval = 2, 0, 0, 0, 0, 0
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        content = data[at + 4 : at + 2 + length]
        if marker in _OTHER_FRAMES:
            return None
        if marker in _BASELINE_FRAMES:
            if len(content) < 9 or content[5] != 3:
                return None
            height_at = at + 5
            height, width = (int.from_bytes(content[i : i + 2], "big") for i in (1, 3))
            across, down = content[7] >> 4, content[7] & 15
            strip, blocks = 8 * down, -(-width // max(1, 8 * across))
        elif marker == _RESTART_INTERVAL:
            interval = int.from_bytes(content, "big")
        at += 2 + length
        if marker == _SCAN:
            if not strip or interval != blocks:
                return None
            return Layout(data[:at], height_at, strip, -(-height // strip), height)
    return None


class RowDecoder:
    """Decodes rows of the images of one video, which have their header in common."""

    def __init__(self) -> None:
        self._layout: Layout | None = None

    def rows(self, data: bytes, top: int, bottom: int) -> Frame:
        """Return rows `top` to `bottom` (exclusive) of a JPEG image, uint8 [rows, W, 3] in RGB.

        They equal those of the whole image.

        Raises:
            ValueError: it is not a whole JPEG image.
        """
        layout = self._layout
        if layout is None or not data.startswith(layout.header):
            layout = self._layout = read_layout(data)
        if layout is None:
            return decode_jpeg(data)[top:bottom]
        # Chroma is interpolated across rows: one row more on each side must be there.
        first = max(0, top - 1) // layout.strip
        last = min(layout.count, -(-(bottom + 1) // layout.strip))
        if last - first == layout.count:
            return decode_jpeg(data)[top:bottom]
        begin = first * layout.strip
        decoded = decode_jpeg(_cut(data, layout, first, last))
        return decoded[top - begin : bottom - begin]


def _cut(data: bytes, layout: Layout, first: int, last: int) -> bytes:
    """Return an image of the strips `first` to `last` (exclusive) alone."""
    height = min(last * layout.strip, layout.height) - first * layout.strip
    pieces = [layout.header_for(height)]
    at = len(layout.header)
    for number in range(last):
        marker = _END if number == layout.count - 1 else _RESTARTS[number % 8]
        end = data.find(marker, at)
        if end < 0:
            msg = f"the JPEG image breaks off in its rows from {number * layout.strip} on"
            raise ValueError(msg)
        if number >= first:
            pieces += (data[at:end], _RESTARTS[(number - first) % 8])
        at = end + 2
    pieces[-1] = _END
    return b"".join(pieces)
