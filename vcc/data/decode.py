"""Reading of videos, the only place that decodes them: files by OpenCV, or trees of JPEG frames.

Frames come one at a time, so that memory does not grow with a video's length. Inside the area
frames keep OpenCV's blue-green-red order until they are stored; what users get is RGB.
"""

from __future__ import annotations

import functools
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from vcc.data.containers import HEAD_BYTES, container_suffix
from vcc.data.resizing import Frame, as_frame, resize, shrunk_size
from vcc.errors import DataError

VIDEO_SUFFIXES = frozenset({".avi", ".mp4", ".mkv", ".webm", ".mov", ".m4v", ".mpg", ".mpeg"})

# A file that gives fewer frames than it declares was cut. AVI and MP4 count their frames (all 212
# files tried were exact), the others estimate the number from duration and rate.
_COUNTING_SUFFIXES = frozenset({".avi", ".mp4", ".mov", ".m4v"})
_LOST_SHARE_COUNTED = 0.02
_LOST_SHARE_ESTIMATED = 0.1
_LOST_FRAMES = 2

_first_opening = threading.Lock()


class BadVideoError(DataError):
    """A video that cannot be used; the message is the reason alone, for the report's list."""


class FrameSource(Protocol):
    """A video as a stream: frames per second and declared length (0: unknown), frames in BGR."""

    fps: float
    declared: int

    def frames(self) -> Iterator[Frame]:
        """Yield frames uint8 [H, W, 3] in BGR; raises BadVideoError where the video breaks off."""


class VideoFile:
    """A video file read by OpenCV's FFmpeg with one thread: videos are what runs in parallel."""

    def __init__(self, path: Path) -> None:
        if path.stat().st_size == 0:
            msg = "empty file"
            raise BadVideoError(msg)
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if container_suffix(head) is None:
            # FFmpeg would open play lists and other text too, and go on to the files they name.
            msg = "not a readable video"
            raise BadVideoError(msg)
        counted = path.suffix.lower() in _COUNTING_SUFFIXES
        self._lost_share = _LOST_SHARE_COUNTED if counted else _LOST_SHARE_ESTIMATED
        self._capture = _open_quietly(path)
        if not self._capture.isOpened():
            msg = "not a readable video"
            raise BadVideoError(msg)
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = fps if 0 < fps < 1000 else 0.0
        self.declared = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))

    def frames(self) -> Iterator[Frame]:
        """Yield frames in BGR; raises BadVideoError when fewer come than the file declares."""
        count = 0
        try:
            while True:
                ok, frame = self._capture.read()
                if not ok:
                    break
                count += 1
                yield as_frame(frame)
        finally:
            self._capture.release()
        if count == 0:
            msg = "zero frames"
            raise BadVideoError(msg)
        if count < self.declared - max(_LOST_FRAMES, self._lost_share * self.declared):
            msg = f"truncated: {count} of {self.declared} frames"
            raise BadVideoError(msg)


def _open_quietly(path: Path) -> cv2.VideoCapture:
    _quiet_ffmpeg()
    threads = [cv2.CAP_PROP_N_THREADS, 1]
    return cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG, threads)


@functools.cache
def _quiet_ffmpeg() -> None:
    # FFmpeg would report each damaged packet on stderr by itself; what matters reaches the report.
    # OpenCV reads the level when a process first opens anything. Later openings leave the
    # environment alone: it belongs to all threads, and a server decodes in several at once.
    name = "OPENCV_FFMPEG_LOGLEVEL"
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    with _first_opening:
        before = os.environ.get(name)
        os.environ[name] = before or "-8"
        cv2.VideoCapture(os.devnull, cv2.CAP_FFMPEG)
        if before is None:
            del os.environ[name]


class FrameFolder:
    """The thesis's form of a video: a folder of `image_00001.jpg`, ... and a file `n_frames`."""

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


def open_source(path: Path) -> VideoFile | FrameFolder:
    """Return the frames of a video file or of a folder of JPEG frames.

    `width` and `height` are what the file declares; a folder knows them with its first frame.
    """
    return FrameFolder(path) if path.is_dir() else VideoFile(path)


def shrunk_frames(source: FrameSource, short_side: int) -> Iterator[Frame]:
    """Yield a video's frames in BGR, all of one size, the short side at most `short_side`."""
    size: tuple[int, int] | None = None
    for frame in source.frames():
        size = size or shrunk_size(frame, short_side)
        yield resize(frame, *size)


def read_video(path: Path, short_side: int, *, max_frames: int = 0) -> NDArray[np.uint8]:
    """Return a video's frames uint8 [F, H, W, 3] in RGB, scaled as `prepare` would store them.

    Args:
        path: a video file or a folder of JPEG frames.
        short_side: shorter side of the result, pixels; frames are never enlarged.
        max_frames: stop after this many; 0 reads them all.

    Raises:
        DataError: the file is missing or is not a whole readable video.
    """
    if not path.exists():
        msg = f"{path}: no such video; give the path of a video file"
        raise DataError(msg)
    frames: list[Frame] = []
    try:
        for frame in shrunk_frames(open_source(path), short_side):
            frames.append(as_frame(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)))
            if len(frames) == max_frames:
                break
    except BadVideoError as error:
        msg = f"{path}: {error}; give a whole video file (avi, mp4, mkv or webm)"
        raise DataError(msg) from None
    except cv2.error as error:
        msg = f"{path}: cannot be decoded: {' '.join(str(error).split())}"
        raise DataError(msg) from None
    return np.stack(frames)
