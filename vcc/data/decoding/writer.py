"""Frames to a video file, by PyAV: H.264 where this FFmpeg has it, else MPEG-4, in MP4."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from vcc.data.clips.resizing import Frame
from vcc.errors import DataError, one_line

_CODECS = ("libx264", "mpeg4")
# Chroma has half as many pixels each way.
_PIXELS = "yuv420p"
_LARGEST_DENOMINATOR = 65535
# Where a recording does not say.
_USUAL_FPS = 25.0


class VideoWriter:
    """Takes frames of one size, uint8 [H, W, 3] in BGR, and encodes them."""

    def __init__(self, media: OutputContainer, fps: float) -> None:
        self._media = media
        self._fps = Fraction(fps or _USUAL_FPS).limit_denominator(_LARGEST_DENOMINATOR)
        self._stream: VideoStream | None = None

    def write(self, frame: Frame) -> None:
        """Append a frame; an odd last row or column is left out."""
        height, width = (size // 2 * 2 for size in frame.shape[:2])
        if self._stream is None:
            self._stream = self._started(width, height)
        picture = av.VideoFrame.from_ndarray(frame[:height, :width], format="bgr24")
        self._media.mux(self._stream.encode(picture))

    def _started(self, width: int, height: int) -> VideoStream:
        # What it returns depends on the codec, which its types cannot know.
        stream: Any = self._media.add_stream(_codec(), rate=self._fps)
        stream.width, stream.height, stream.pix_fmt = width, height, _PIXELS
        made: VideoStream = stream
        return made

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if self._stream is not None:
            self._media.mux(self._stream.encode(None))


@contextmanager
def writing_video(path: Path, *, fps: float) -> Iterator[VideoWriter]:
    """Give what takes the frames of an MP4 file; it is whole when the block ends.

    Args:
        path: the file; its folder exists.
        fps: frames per second; 0 where nobody knows, which is taken for 25.

    Raises:
        DataError: the file cannot be written.
    """
    try:
        with av.open(f"file:{path.absolute()}", "w", format="mp4") as media:
            writer = VideoWriter(media, fps)
            yield writer
            writer.finish()
    except av.FFmpegError as error:
        msg = f"{path}: cannot be written: {one_line(error)}: make room, or choose another folder"
        raise DataError(msg) from error


def _codec() -> str:
    return next(name for name in _CODECS if name in av.codecs_available)
