"""The thesis's form of a video: a folder of JPEG frames."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from vcc.data.decoding.errors import BadVideoError
from vcc.data.resizing import Frame, as_frame


class FrameFolder:
    """A folder of `image_00001.jpg`, ... and a file `n_frames`; it knows no times of its frames."""

    def __init__(self, path: Path) -> None:
        self.fps = 0.0
        self.width, self.height = 0, 0
        self._paths = numbered_images(path)
        declared = _declared_frames(path / "n_frames")
        if declared is not None:
            if declared > len(self._paths):
                msg = f"truncated: {len(self._paths)} of {declared} frames"
                raise BadVideoError(msg)
            self._paths = self._paths[:declared]
        self.declared = len(self._paths)
        self.cut = ""
        self.variable_rate = False

    def frames(self) -> Iterator[Frame]:
        """Yield frames in BGR; raises BadVideoError on an image that cannot be read."""
        if not self._paths:
            msg = "zero frames"
            raise BadVideoError(msg)
        for path in self._paths:
            frame = cv2.imdecode(np.frombuffer(_content(path), np.uint8), cv2.IMREAD_COLOR)
            if frame is None:
                msg = f"{path.name} is not a readable JPEG image"
                raise BadVideoError(msg)
            self.height, self.width = frame.shape[:2]
            yield as_frame(frame)


def numbered_images(folder: Path) -> list[Path]:
    """Return the files `image_NNNNN.jpg` of a folder in the order of their numbers."""
    # From 100,000 frames on the names grow longer, and plain order would mix them.
    return sorted(folder.glob("image_*.jpg"), key=lambda path: (len(path.name), path.name))


def _declared_frames(path: Path) -> int | None:
    if not path.exists():
        return None
    text = _content(path).strip()
    if not re.fullmatch(rb"[0-9]{1,9}", text):
        msg = f"n_frames holds {text[:20].decode('ascii', 'backslashreplace')!r}, not a number"
        raise BadVideoError(msg)
    return int(text)


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"{path.name} cannot be read: {error.strerror}"
        raise BadVideoError(msg) from None
    if not content:
        msg = f"{path.name} is empty"
        raise BadVideoError(msg)
    return content
