"""Reading frames out of the frame store: whole ones, or the rows that a crop needs."""

from __future__ import annotations

import contextlib
import mmap
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vcc.data.jpeg import RowDecoder, decode_jpeg
from vcc.data.resizing import Frame
from vcc.data.store import MAGIC, TAIL
from vcc.errors import DataError

Frames = NDArray[np.uint8]
Indices = Sequence[int] | NDArray[np.int64]


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
        image = _images(path, kind)
        decoded = {i: decode_jpeg(image(i)) for i in dict.fromkeys(map(int, indices))}
        return [decoded[int(i)] for i in indices]


def read_rows(
    path: Path, kind: str, indices: Indices, *, top: int, out: Frames, height: int
) -> None:
    """Write rows of a stored video's frames in RGB into an array, reading little else.

    Args:
        path: the video's file, or its folder for kind `jpg`.
        kind: packed, raw or jpg.
        indices: frame numbers from 0; may repeat.
        top: first of the rows.
        out: uint8 [len(indices), rows, W, 3], W that of the stored frames.
        height: of the stored frames.

    Raises:
        DataError: the file is missing or damaged.
    """
    with _damage_named(path):
        if kind == "raw":
            _read_raw_rows(path, indices, top=top, out=out, height=height)
            return
        image, decoder = _images(path, kind), RowDecoder()
        written: dict[int, int] = {}
        for place, i in enumerate(map(int, indices)):
            first = written.setdefault(i, place)
            rows = out[first] if first < place else decoder.rows(image(i), top, top + out.shape[1])
            np.copyto(out[place], rows)


@contextlib.contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, IndexError, struct.error, cv2.error) as error:
        msg = f"{path}: cannot read stored frames ({error}); run prepare again to rebuild them"
        raise DataError(msg) from error


def _mapped_frames(path: Path, indices: Iterable[int], shape: tuple[int, int]) -> list[Frame]:
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    offset = TAIL.unpack(mapped[-TAIL.size :])[0]
    frames = np.frombuffer(mapped, np.uint8, count=offset).reshape(-1, *shape, 3)
    return [frames[i] for i in indices]


def _read_raw_rows(
    path: Path, indices: Iterable[int], *, top: int, out: Frames, height: int
) -> None:
    # Mapping a file anew for each clip costs a fault per page, twice the time of reading the rows.
    row = out.shape[2] * out.shape[3]
    with path.open("rb", buffering=0) as file:
        for i, target in zip(indices, out, strict=True):
            file.seek((int(i) * height + top) * row)
            if file.readinto(target) != target.nbytes:
                msg = f"ends before frame {i}"
                raise ValueError(msg)


def _images(path: Path, kind: str) -> Callable[[int], bytes]:
    return _folder_images(path) if kind == "jpg" else _packed_images(path)


def _folder_images(path: Path) -> Callable[[int], bytes]:
    return lambda index: (path / f"image_{index + 1:05d}.jpg").read_bytes()


def _packed_images(path: Path) -> Callable[[int], bytes]:
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    index_begin, length, magic = TAIL.unpack(mapped[-TAIL.size :])
    if magic != MAGIC:
        msg = "not a frame store file"
        raise ValueError(msg)
    index_bytes = len(mapped) - TAIL.size - length - index_begin
    offsets = np.frombuffer(mapped, "<u8", count=index_bytes // 8, offset=index_begin)
    return lambda index: mapped[int(offsets[index]) : int(offsets[index + 1])]
