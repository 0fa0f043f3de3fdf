"""Reading frames out of the frame store: whole ones, or the box that a crop shows."""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vcc.data.clips.box import Box
from vcc.data.clips.resizing import Frame
from vcc.data.clips.scratch import Scratch
from vcc.data.store.files import MAGIC, TAIL
from vcc.data.store.jpeg import decode_boxes, decode_jpeg
from vcc.errors import DataError

Frames = NDArray[np.uint8]
Indices = Sequence[int] | NDArray[np.int64]

_OFFSET = np.dtype("<u8")


def read_frames(path: Path, kind: str, indices: Indices, *, shape: tuple[int, int]) -> list[Frame]:
    """Return frames of a stored video in RGB, in the order asked for.

    Args:
        path: the video's file, or its folder for kind `jpg`.
        kind: packed, raw or jpg.
        indices: frame numbers from 0; may repeat.
        shape: height and width of the stored frames.

    Returns:
        One uint8 [H, W, 3] per index; raw ones are read-only views of the mapped file.

    Raises:
        DataError: the file is missing or damaged.
    """
    with _damage_named(path):
        if kind == "raw":
            return _mapped_frames(path, indices, shape)
        images = _read_images(path, kind, indices)
        decoded = {number: decode_jpeg(image) for number, image in images.items()}
        return [decoded[int(i)] for i in indices]


def read_box(
    path: Path, kind: str, indices: Indices, box: Box, *, shape: tuple[int, int], scratch: Scratch
) -> Frames:
    """Return a box of a stored video's frames in RGBX, reading little else.

    X is a channel without meaning: four channels are scaled in two thirds of the time of three.

    Args:
        path: the video's file, or its folder for kind `jpg`.
        kind: packed, raw or jpg.
        indices: frame numbers from 0; may repeat.
        box: within the frames.
        shape: height and width of the stored frames.
        scratch: memory to read into.

    Returns:
        uint8 [k, side, side, 4], the array `box` of `scratch`.

    Raises:
        DataError: the file is missing or damaged.
    """
    with _damage_named(path):
        frames = scratch.array("box", len(indices), box.side, box.side, 4)
        if kind == "raw":
            rows = scratch.array("rows", len(indices), box.side, shape[1], 3)
            _read_rows(path, indices, box.top, height=shape[0], rows=rows)
            columns = rows[:, :, box.left : box.left + box.side]
            # As one tall picture, in one call.
            _add_channel(columns.reshape(-1, box.side, 3), frames.reshape(-1, box.side, 4))
            return frames
        images = _read_images(path, kind, indices)
        places: dict[int, list[int]] = {number: [] for number in images}
        for place, number in enumerate(indices):
            places[int(number)].append(place)
        decoded = decode_boxes(list(images.values()), box)
        for number, frame in zip(images, decoded, strict=True):
            for place in places[number]:
                _add_channel(frame, frames[place])
        return frames


@contextlib.contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, IndexError, struct.error, cv2.error) as error:
        msg = f"{path}: cannot read stored frames ({error}); run prepare again to rebuild them"
        raise DataError(msg) from error


def _mapped_frames(path: Path, indices: Indices, shape: tuple[int, int]) -> list[Frame]:
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    offset = TAIL.unpack(mapped[-TAIL.size :])[0]
    frames = np.frombuffer(mapped, np.uint8, count=offset).reshape(-1, *shape, 3)
    lowest = min(int(i) for i in indices)
    if lowest < 0:
        msg = f"there is no frame {lowest}"
        raise ValueError(msg)
    return [frames[i] for i in indices]


def _add_channel(rgb: Frame, rgbx: Frame) -> None:
    cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA, dst=rgbx)


def _read_rows(path: Path, indices: Indices, top: int, *, height: int, rows: Frames) -> None:
    """Fill `rows` [k, side, W, 3] with the rows from `top` on of raw frames of a height."""
    # Whole rows, which lie together. Mapping a file anew for each clip costs a fault per page,
    # twice the time of reading the rows.
    width = rows.shape[2]
    # Calls of the system themselves: Python's file objects make the whole clip 5 % slower.
    file = os.open(path, os.O_RDONLY)
    try:
        for i, target in zip(indices, rows, strict=True):
            begin = (int(i) * height + top) * width * 3
            if os.preadv(file, (target.data,), begin) != target.nbytes:
                msg = f"ends before frame {i}"
                raise ValueError(msg)
    finally:
        os.close(file)


def _read_images(path: Path, kind: str, indices: Indices) -> dict[int, bytes]:
    """Return the JPEG images of some frames by their numbers, each once, in ascending order."""
    numbers = sorted({int(i) for i in indices})
    if kind == "jpg":
        return {i: (path / f"image_{i + 1:05d}.jpg").read_bytes() for i in numbers}
    with path.open("rb", buffering=0) as file:
        tail = file.seek(-TAIL.size, os.SEEK_END)
        index_begin, length, magic = TAIL.unpack(file.read(TAIL.size))
        if magic != MAGIC:
            msg = "not a frame store file"
            raise ValueError(msg)
        first, last = numbers[0], numbers[-1]
        if first < 0 or last + 2 > (tail - length - index_begin) // _OFFSET.itemsize:
            msg = f"there is no frame {last if first >= 0 else first}"
            raise ValueError(msg)
        file.seek(index_begin + first * _OFFSET.itemsize)
        offsets = np.frombuffer(file.read((last + 2 - first) * _OFFSET.itemsize), _OFFSET).tolist()
        images = {}
        for run in _runs(numbers):
            begin = file.seek(offsets[run.start - first])
            data = file.read(offsets[run.stop - first] - begin)
            for i in run:
                images[i] = data[offsets[i - first] - begin : offsets[i + 1 - first] - begin]
        return images


def _runs(numbers: Sequence[int]) -> Iterator[range]:
    """Yield the stretches of consecutive numbers in ascending ones."""
    begin = 0
    for place in range(1, len(numbers) + 1):
        if place == len(numbers) or numbers[place] != numbers[place - 1] + 1:
            yield range(numbers[begin], numbers[place - 1] + 1)
            begin = place
