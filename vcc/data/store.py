"""The frame store: one file per video, complete or absent.

A file holds the frames, then what is needed to read and to trust them:

    frames | index (packed: n + 1 offsets) | description (JSON) | tail

`raw` frames are uint8 RGB [H, W, 3] one after another, made to be memory-mapped; `packed` ones are
JPEG images found by the index. The fixed-size tail says where index and description begin. Files
are written beside their place and renamed into it, so that a killed run leaves no half file, and
they describe themselves, so that a resumed run needs no journal. The thesis's tree of JPEG files
(`jpg`) is a folder per video instead, renamed as a whole.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import shutil
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from vcc.data.decode import numbered_images
from vcc.data.resizing import Frame, as_frame
from vcc.errors import DataError

Frames = NDArray[np.uint8]

SUFFIX = ".vcf"
_MAGIC = b"VCCVID01"
_TAIL = struct.Struct("<QQ8s")
_DESCRIPTION_NAME = "description.json"


@dataclass(frozen=True, kw_only=True)
class StoredVideo:
    """What a stored video says of itself.

    `checksum` is the SHA-256 of frames and index; `pixel_sum` and `pixel_square_sum` are per RGB
    channel over `pixel_count` sampled pixels; `source_key` tells a changed source or setting.
    """

    kind: str
    n_frames: int
    fps: float
    height: int
    width: int
    checksum: str
    pixel_count: int
    pixel_sum: tuple[float, ...]
    pixel_square_sum: tuple[float, ...]
    source_key: str

    @classmethod
    def from_json(cls, text: bytes | str) -> StoredVideo:
        values: dict[str, Any] = json.loads(text)
        for name in ("pixel_sum", "pixel_square_sum"):
            values[name] = tuple(values[name])
        return cls(**values)

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode()


class FrameWriter(Protocol):
    """Takes a video's frames in order; `finish` puts the whole in place, `discard` removes it."""

    digest: Any

    def add(self, frame: Frame) -> None:
        """Append one frame uint8 [H, W, 3] in BGR."""

    def close_frames(self) -> str:
        """Write what follows the frames and return the checksum."""

    def finish(self, description: StoredVideo) -> None:
        """Write the description and rename the result into place."""

    def discard(self) -> None:
        """Remove what was written."""


class ContainerWriter:
    """Writes `packed` and `raw` files."""

    def __init__(self, path: Path, kind: str, jpeg_quality: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._partial = partial_path(path)
        self._file = self._partial.open("wb")
        self._quality = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality]
        self._kind = kind
        self._offsets = [0]
        self.digest = hashlib.sha256()

    def add(self, frame: Frame) -> None:
        if self._kind == "raw":
            data = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB).data
        else:
            data = cv2.imencode(".jpg", frame, self._quality)[1].data
        self._file.write(data)
        self.digest.update(data)
        self._offsets.append(self._offsets[-1] + data.nbytes)

    def close_frames(self) -> str:
        if self._kind == "packed":
            index = np.array(self._offsets, "<u8").tobytes()
            self._file.write(index)
            self.digest.update(index)
        return str(self.digest.hexdigest())

    def finish(self, description: StoredVideo) -> None:
        text = description.to_json()
        self._file.write(text)
        self._file.write(_TAIL.pack(self._offsets[-1], len(text), _MAGIC))
        self._file.close()
        self._partial.replace(self._path)

    def discard(self) -> None:
        self._file.close()
        self._partial.unlink(missing_ok=True)


class FolderWriter:
    """Writes the thesis's form: `image_00001.jpg`, ... and `n_frames`, in a folder."""

    def __init__(self, path: Path, jpeg_quality: int) -> None:
        self._path = path
        self._partial = partial_path(path)
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir(parents=True)
        self._quality = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality]
        self._count = 0
        self.digest = hashlib.sha256()

    def add(self, frame: Frame) -> None:
        self._count += 1
        data = cv2.imencode(".jpg", frame, self._quality)[1].data
        (self._partial / f"image_{self._count:05d}.jpg").write_bytes(data)
        self.digest.update(data)

    def close_frames(self) -> str:
        (self._partial / "n_frames").write_text(f"{self._count}\n", "utf-8")
        return str(self.digest.hexdigest())

    def finish(self, description: StoredVideo) -> None:
        (self._partial / _DESCRIPTION_NAME).write_bytes(description.to_json())
        shutil.rmtree(self._path, ignore_errors=True)
        self._partial.replace(self._path)

    def discard(self) -> None:
        shutil.rmtree(self._partial, ignore_errors=True)


def partial_path(path: Path) -> Path:
    """Return the name under which a store file is written before it is whole."""
    return path.with_name(f".partial-{path.name}")


def open_writer(path: Path, kind: str, jpeg_quality: int) -> FrameWriter:
    """Return a writer for one video of a store of this kind (packed, raw or jpg)."""
    if kind == "jpg":
        return FolderWriter(path, jpeg_quality)
    return ContainerWriter(path, kind, jpeg_quality)


def read_description(path: Path) -> StoredVideo | None:
    """Return what the stored video at `path` says of itself; None if there is no whole one."""
    try:
        if path.is_dir():
            return StoredVideo.from_json((path / _DESCRIPTION_NAME).read_bytes())
        with path.open("rb") as file:
            file.seek(-_TAIL.size, os.SEEK_END)
            _, length, magic = _TAIL.unpack(file.read(_TAIL.size))
            if magic != _MAGIC:
                return None
            file.seek(-_TAIL.size - length, os.SEEK_END)
            return StoredVideo.from_json(file.read(length))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def checksum(path: Path) -> str:
    """Return the SHA-256 of a stored video's frames and index as they are on disk now."""
    digest = hashlib.sha256()
    if path.is_dir():
        for image in numbered_images(path):
            digest.update(image.read_bytes())
        return digest.hexdigest()
    with path.open("rb") as file:
        file.seek(-_TAIL.size, os.SEEK_END)
        end = file.tell()
        left = end - _TAIL.unpack(file.read(_TAIL.size))[1]
        file.seek(0)
        while left > 0 and (block := file.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


def read_frames(
    path: Path, kind: str, indices: Sequence[int] | NDArray[np.int64], *, shape: tuple[int, int]
) -> list[Frame]:
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
    try:
        if kind == "raw":
            return _raw_frames(path, indices, shape)
        return list(_jpeg_frames(path, kind, indices))
    except (OSError, ValueError, IndexError, struct.error, cv2.error) as error:
        msg = f"{path}: cannot read stored frames ({error}); run prepare again to rebuild them"
        raise DataError(msg) from error


def _raw_frames(path: Path, indices: Iterable[int], shape: tuple[int, int]) -> list[Frame]:
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    offset = _TAIL.unpack(mapped[-_TAIL.size :])[0]
    frames = np.frombuffer(mapped, np.uint8, count=offset).reshape(-1, *shape, 3)
    return [frames[i] for i in indices]


def _jpeg_frames(path: Path, kind: str, indices: Iterable[int]) -> Iterator[Frame]:
    jpeg = _folder_images(path) if kind == "jpg" else _packed_images(path)
    decoded: dict[int, Frame] = {}
    for i in map(int, indices):
        if i not in decoded:
            frame = cv2.imdecode(jpeg(i), cv2.IMREAD_COLOR)
            if frame is None:
                msg = f"frame {i} is not a JPEG image"
                raise ValueError(msg)
            decoded[i] = as_frame(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB, dst=frame))
        yield decoded[i]


def _folder_images(path: Path) -> Callable[[int], Frames]:
    def read(index: int) -> Frames:
        return np.frombuffer((path / f"image_{index + 1:05d}.jpg").read_bytes(), np.uint8)

    return read


def _packed_images(path: Path) -> Callable[[int], Frames]:
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    index_begin, length, magic = _TAIL.unpack(mapped[-_TAIL.size :])
    if magic != _MAGIC:
        msg = "not a frame store file"
        raise ValueError(msg)
    index_bytes = len(mapped) - _TAIL.size - length - index_begin
    offsets = np.frombuffer(mapped, "<u8", count=index_bytes // 8, offset=index_begin)
    data = np.frombuffer(mapped, np.uint8)

    def read(index: int) -> Frames:
        return data[int(offsets[index]) : int(offsets[index + 1])]

    return read
