"""JPEG frames of which a box can be decoded apart.

A training crop shows less than half of a frame on average. JPEG codes its blocks one after another,
so that decoding begins at the top, except after a restart marker (ITU-T T.81, E.1.4): it ends a
segment of blocks that depends on nothing before. Frames are written with one after every block,
which makes them 3 % larger; the segments that a box touches, put together under a header of their
size, are a smaller JPEG image of the same pixels. Any other JPEG image is decoded whole.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vcc.data.clips.box import Box
from vcc.data.clips.resizing import Frame, as_frame

_EVERY_BLOCK = [
    cv2.IMWRITE_JPEG_RST_INTERVAL, 1,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
]  # fmt: skip

_BASELINE_FRAMES = (0xC0, 0xC1)
_OTHER_FRAMES = (*range(0xC2, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
_RESTART_INTERVAL, _SCAN = 0xDD, 0xDA
_FIRST_RESTART, _END = 0xD0, 0xD9

# libjpeg does not interpolate the chroma of images narrower than this (jdsample.c).
_INTERPOLATED = 5


def encode_jpeg(frame: Frame, quality: int) -> Frame:
    """Return a frame uint8 [H, W, 3] in BGR as a JPEG image, 4:2:0, its blocks apart."""
    parameters = [cv2.IMWRITE_JPEG_QUALITY, quality, *_EVERY_BLOCK]
    return as_frame(cv2.imencode(".jpg", frame, parameters)[1])


def decode_jpeg(data: bytes | NDArray[np.uint8]) -> Frame:
    """Return a JPEG image as a frame uint8 [H, W, 3] in RGB; raises ValueError where it is none."""
    coded = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else data
    frame = cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB)
    if frame is None:
        msg = "not a JPEG image"
        raise ValueError(msg)
    return as_frame(frame)


@dataclass(frozen=True)
class Layout:
    """How an image is cut into segments.

    Attributes:
        header: all bytes before the first segment.
        size_at: where in it height and width are, two bytes each.
        size: height and width of the image, in pixels.
        block: height and width of a block (a minimum coded unit), in pixels.
        interval: blocks in a segment; a row of blocks is a whole number of segments.
    """

    header: bytes
    size_at: int
    size: tuple[int, int]
    block: tuple[int, int]
    interval: int

    @property
    def segment(self) -> tuple[int, int]:
        """Height and width of a segment, in pixels."""
        return self.block[0], self.block[1] * self.interval

    @property
    def grid(self) -> tuple[int, int]:
        """Rows of segments, and segments in a row."""
        height, width = self.segment
        return -(-self.size[0] // height), -(-self.size[1] // width)

    def header_for(self, height: int, width: int) -> bytes:
        """Return the header of an image of another size."""
        at = self.size_at
        size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
        return self.header[:at] + size + self.header[at + 4 :]


def read_layout(data: bytes) -> Layout | None:
    """Return how a JPEG image is cut into segments, None where it is not, or is no such image."""
    at, size_at, interval = 2, 0, 0
    size, block = (0, 0), (0, 0)
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        content = data[at + 4 : at + 2 + length]
        if marker in _OTHER_FRAMES:
            return None
        if marker in _BASELINE_FRAMES:
            if len(content) < 9 or content[5] != 3:
                return None
            size_at = at + 5
            size = int.from_bytes(content[1:3], "big"), int.from_bytes(content[3:5], "big")
            block = 8 * (content[7] & 15), 8 * (content[7] >> 4)
        elif marker == _RESTART_INTERVAL:
            interval = int.from_bytes(content, "big")
        at += 2 + length
        if marker == _SCAN:
            if not interval or not all(block) or -(-size[1] // block[1]) % interval:
                return None
            return Layout(data[:at], size_at, size, block, interval)
    return None


def decode_boxes(images: Sequence[bytes], box: Box) -> Iterator[Frame]:
    """Yield a box of each JPEG image, uint8 [side, side, 3] in RGB.

    The pixels equal those of the whole images.

    Args:
        images: one video's; those whose headers differ are decoded whole.
        box: the square, within the images.

    Raises:
        ValueError: one is not a whole JPEG image.
    """
    layout = read_layout(images[0])
    cut = _cut_for(layout, box) if layout else None
    parts = cut.parts(images) if cut else None
    top, left = (cut.top, cut.left) if cut and parts else (box.top, box.left)
    for image in parts or images:
        yield decode_jpeg(image)[top : top + box.side, left : left + box.side]


@dataclass(frozen=True)
class _Cut:
    """Segments of an image that make a smaller one: its header, and where in it the box is."""

    layout: Layout
    header: bytes
    rows: slice
    columns: slice
    top: int
    left: int

    def parts(self, images: Sequence[bytes]) -> list[NDArray[np.uint8]] | None:
        """Return the smaller image of each image, None where their headers differ.

        All at once: what NumPy takes to start an operation would cost as much as decoding.

        Raises:
            ValueError: an image lacks segments.
        """
        header = self.layout.header
        scans = [image[len(header) :] for image in images if image.startswith(header)]
        if len(scans) < len(images):
            return None
        coded = b"".join(scans)
        starts, ends = _segments(coded, list(map(len, scans)), self.layout)
        firsts = starts[:, self.rows, self.columns.start].tolist()
        lasts = ends[:, self.rows, self.columns.stop - 1].tolist()
        pieces = []
        for lefts, rights in zip(firsts, lasts, strict=True):
            pieces.append(self.header)
            # Each row of segments is one piece, with the marker that ends it.
            pieces += [coded[a : b + 2] for a, b in zip(lefts, rights, strict=True)]
        joined = np.frombuffer(bytearray().join(pieces), np.uint8)
        lengths = (ends - starts)[:, self.rows, self.columns].reshape(len(images), -1) + 2
        markers = lengths.cumsum(axis=1) + (len(self.header) - 1)
        bounds = np.concatenate(((0,), (markers[:, -1] + 1).cumsum()))
        joined[markers + bounds[:-1, None]] = _marker_numbers(lengths.shape[1])
        return [joined[a:b] for a, b in itertools.pairwise(bounds.tolist())]


def _marker_numbers(count: int) -> NDArray[np.uint8]:
    """Return what ends each of `count` segments: restarts, numbered 0 to 7 in turn, and the end."""
    numbers = (_FIRST_RESTART + np.arange(count) % 8).astype(np.uint8)
    numbers[-1] = _END
    return numbers


def _cut_for(layout: Layout, box: Box) -> _Cut | None:
    """Return what to decode for a box, None where that is the whole image."""
    bottom, right = box.top + box.side, box.left + box.side
    # Chroma is interpolated between pixels: one more on each side must be there.
    last_row, last_column = min(layout.size[0], bottom + 1), min(layout.size[1], right + 1)
    height, width = layout.segment
    rows = slice(max(0, box.top - 1) // height, -(-last_row // height))
    columns = slice(
        max(0, min(box.left - 1, layout.size[1] - _INTERPOLATED)) // width, -(-last_column // width)
    )
    if (rows.stop - rows.start, columns.stop - columns.start) == layout.grid:
        return None
    top, left = rows.start * height, columns.start * width
    blocks = (columns.stop - columns.start) * layout.interval
    narrowest = max((blocks - 1) * layout.block[1] + 1, min(_INTERPOLATED, layout.size[1]))
    used = max(last_column - left, narrowest)
    # Where the rows of OpenCV's array begin at multiples of its vectors' size, libjpeg-turbo writes
    # past the cache and takes a fifth longer. The last pixel of a block is there for no other's
    # sake: its chroma is its neighbour's.
    if used % layout.block[1] == 0 and used > max(right - left, narrowest):
        used -= 1
    header = layout.header_for(last_row - top, used)
    return _Cut(layout, header, rows, columns, box.top - top, box.left - left)


def _segments(
    coded: bytes, lengths: Sequence[int], layout: Layout
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where segments begin and where their markers stand, [images, rows, across].

    Args:
        coded: the images' bytes without headers, one after another.
        lengths: of the images.
        layout: of all of them.
    """
    scan = np.frombuffer(coded, np.uint8)
    escapes = (scan[:-1] == 0xFF).nonzero()[0]
    following = scan[escapes + 1]
    ends = escapes[(following >= _FIRST_RESTART) & (following <= _END)]
    rows, across = layout.grid
    bounds = np.array((0, *itertools.accumulate(lengths)))
    found = ends.searchsorted(bounds)
    if found[-1] != len(lengths) * rows * across or (np.diff(found) != rows * across).any():
        row = min(int(np.diff(found).min()) // across, rows - 1) * layout.segment[0]
        msg = f"the JPEG image breaks off in its rows from {row} on"
        raise ValueError(msg)
    starts = np.empty_like(ends)
    starts[1:] = ends[:-1] + 2
    starts[:: rows * across] = bounds[:-1]
    shape = (len(lengths), rows, across)
    return starts.reshape(shape), ends.reshape(shape)
