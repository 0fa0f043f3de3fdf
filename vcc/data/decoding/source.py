"""Frames of a video, whatever its form: a file, or the thesis's folder of JPEG frames.

Frames come one at a time, so that memory does not grow with a video's length. Inside the area
frames keep OpenCV's blue-green-red order until they are stored; what users get is RGB.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from vcc.data.clips.resizing import Frame, resize, shrunk_size
from vcc.data.decoding.frame_folder import FrameFolder
from vcc.data.decoding.reading import AS_RECORDED, Reading
from vcc.data.decoding.video_file import VideoFile


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
