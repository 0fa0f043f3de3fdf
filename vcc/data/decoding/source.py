"""Frames of a video, whatever its form: a file, or the thesis's folder of JPEG frames.

Frames come one at a time, so that memory does not grow with a video's length. Inside the area
frames keep OpenCV's blue-green-red order until they are stored; what users get is RGB.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from vcc.data.clips.resizing import Frame, as_frame, resize, shrunk_size
from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.frame_folder import FrameFolder
from vcc.data.decoding.reading import AS_RECORDED, Reading
from vcc.data.decoding.video_file import VideoFile
from vcc.errors import DataError, one_line


class FrameSource(Protocol):
    """A video as a stream: frames per second and declared length (0: unknown), frames in BGR."""

    fps: float
    declared: int

    def frames(self) -> Iterator[Frame]:
        """Yield frames uint8 [H, W, 3] in BGR; raises BadVideoError where the video breaks off."""


def open_source(path: Path, reading: Reading = AS_RECORDED) -> VideoFile | FrameFolder:
    """Return the frames of a video file or of a folder of JPEG frames.

    `width` and `height` are what the file declares; a folder knows them with its first frame.
    """
    return FrameFolder(path) if path.is_dir() else VideoFile(path, reading)


def shrunk_frames(source: FrameSource, short_side: int) -> Iterator[Frame]:
    """Yield a video's frames in BGR, all of one size, the short side at most `short_side`."""
    size: tuple[int, int] | None = None
    for frame in source.frames():
        size = size or shrunk_size(frame, short_side)
        yield resize(frame, *size)


def read_video(
    path: str | os.PathLike[str],
    short_side: int,
    *,
    max_frames: int = 0,
    reading: Reading = AS_RECORDED,
) -> NDArray[np.uint8]:
    """Return a video's frames uint8 [F, H, W, 3] in RGB, scaled as `prepare` would store them.

    Args:
        path: a video file or a folder of JPEG frames.
        short_side: shorter side of the result, pixels; frames are never enlarged.
        max_frames: stop after this many; 0 reads them all.
        reading: how it is decoded.

    Raises:
        DataError: the file is missing or is not a readable video.
    """
    path = Path(path)
    if not path.exists():
        msg = f"{path}: no such video; give the path of a video file"
        raise DataError(msg)
    frames: list[Frame] = []
    try:
        for frame in shrunk_frames(open_source(path, reading), short_side):
            frames.append(as_frame(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)))
            if len(frames) == max_frames:
                break
    except BadVideoError as error:
        msg = f"{path}: {error}; give a whole video file (avi, mp4, mkv or webm)"
        raise DataError(msg) from None
    except cv2.error as error:
        msg = f"{path}: cannot be decoded: {one_line(error)}"
        raise DataError(msg) from None
    return np.stack(frames)
