"""The frame store: one file per video, complete or absent.

A file holds the frames, then what is needed to read and to trust them:

    frames | index (packed: n + 1 offsets) | description (JSON) | tail

`raw` frames are uint8 RGB [H, W, 3] one after another, made to be memory-mapped; `packed` ones are
JPEG images (`vcc.data.store.jpeg`) found by the index. The fixed-size tail says where index and
description begin. Files are written beside their place and renamed into it, so that a killed run
leaves no half file, and they describe themselves, so that a resumed run needs no journal. The
thesis's tree of JPEG files (`jpg`) is a folder per video instead, renamed as a whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from vcc.data.clips.resizing import Frame
from vcc.data.decoding.frame_folder import numbered_images
from vcc.data.store.jpeg import encode_jpeg

SUFFIX = ".vcf"
MAGIC = b"VCCVID01"
# Where the frames end, how long the description is, and what makes it one of our files.
TAIL = struct.Struct("<QQ8s")
# A frame is larger than Python's own buffer, so that each would be a call of the system.
_BUFFER_BYTES = 1 << 20
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
    # Of the source's first frame; 0 in stores made before it was recorded.
    source_height: int = 0
    source_width: int = 0
    # Of the source file; empty in stores made before it was recorded.
    source_sha256: str = ""
    # What was remarkable about the source: the frames that it declared (0: unknown), why it counts
    # as cut or damaged (empty: it does not), whether its frames lasted differently long.
    declared_frames: int = 0
    cut: str = ""
    variable_rate: bool = False
    # Small pictures, see `vcc.data.prepare.alike`; empty in stores made before they were kept.
    look: str = ""

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
        self._file = self._partial.open("wb", buffering=_BUFFER_BYTES)
        self._quality = jpeg_quality
        self._kind = kind
        self._offsets = [0]
        self.digest = hashlib.sha256()

    def add(self, frame: Frame) -> None:
        if self._kind == "raw":
            data = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB).data
        else:
            data = encode_jpeg(frame, self._quality).data
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
        self._file.write(TAIL.pack(self._offsets[-1], len(text), MAGIC))
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
        self._quality = jpeg_quality
        self._count = 0
        self.digest = hashlib.sha256()

    def add(self, frame: Frame) -> None:
        self._count += 1
        data = encode_jpeg(frame, self._quality).data
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
            file.seek(-TAIL.size, os.SEEK_END)
            _, length, magic = TAIL.unpack(file.read(TAIL.size))
            if magic != MAGIC:
                return None
            file.seek(-TAIL.size - length, os.SEEK_END)
            return StoredVideo.from_json(file.read(length))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def bytes_on_disk(path: Path) -> int:
    """Return the size of a stored video: of its file, or of all in its folder."""
    if path.is_dir():
        return sum(item.stat().st_size for item in path.iterdir())
    return path.stat().st_size


def checksum(path: Path) -> str:
    """Return the SHA-256 of a stored video's frames and index as they are on disk now."""
    digest = hashlib.sha256()
    if path.is_dir():
        for image in numbered_images(path):
            digest.update(image.read_bytes())
        return digest.hexdigest()
    with path.open("rb") as file:
        file.seek(-TAIL.size, os.SEEK_END)
        end = file.tell()
        left = end - TAIL.unpack(file.read(TAIL.size))[1]
        file.seek(0)
        while left > 0 and (block := file.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()
