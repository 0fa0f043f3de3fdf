"""One video file from outside to the clips of the protocol, within limits.

The clips are those that evaluation takes from the frame store: the same decoder, the same scaling
to the store's short side, the same windows and crop. Frames become clips as they come, and clips
are handed out as they are made, so that memory does not grow with the video's length.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vcc.config.serving import ServingOptions
from vcc.data.containers import HEAD_BYTES, container_suffix
from vcc.data.decode import BadVideoError, VideoFile, shrunk_frames
from vcc.data.protocol import ClipProtocol
from vcc.data.resizing import Frame, as_frame
from vcc.data.temporal import spread

Clip = NDArray[np.uint8]


def clips_of_file(
    path: Path,
    protocol: ClipProtocol,
    *,
    short_side: int,
    limits: ServingOptions,
    n_clips: int = 0,
) -> Iterator[Clip]:
    """Yield a video's clips, uint8 [3, T, H, W] in RGB, in order.

    Args:
        path: a video file.
        protocol: which clips and which crop.
        short_side: of the frame store that the network was trained from, pixels.
        limits: what is refused.
        n_clips: take only this many, spread evenly; 0 takes all. So many are held at once.

    Raises:
        BadVideoError: it is not a whole video within the limits; the message is the reason alone.
            What is found at the end, such as missing frames, is raised after the last clip.
    """
    _check_file(path, limits)
    video = _Video(path, short_side, limits)
    try:
        if n_clips == 0:
            for window in video.windows(protocol):
                yield _clip(window, protocol)
        else:
            yield from _spread_clips(video, protocol, n_clips)
    except cv2.error as error:
        msg = f"cannot be decoded: {error.err or error}"
        raise BadVideoError(msg) from None


def _spread_clips(video: _Video, protocol: ClipProtocol, n_clips: int) -> list[Clip]:
    # Which clips are wanted depends on how many there are. A file mostly declares that truly; where
    # it does not, the number is known after one pass and the clips are cut in a second.
    expected = -(-video.declared() // protocol.window)
    while True:
        wanted = set(spread(n_clips, expected).tolist())
        clips: list[Clip] = []
        found = 0
        for found, window in enumerate(video.windows(protocol), 1):
            if found - 1 in wanted:
                clips.append(_clip(window, protocol))
        if found == expected:
            return clips
        expected = found


class _Video:
    """A file that is read once or twice; all its decoding together must end within the limit."""

    def __init__(self, path: Path, short_side: int, limits: ServingOptions) -> None:
        self._path, self._short_side, self._limits = path, short_side, limits
        self._seconds = 0.0

    def declared(self) -> int:
        """Return the number of frames that the file says it has; 0 where it says nothing."""
        return self._open().declared

    def windows(self, protocol: ClipProtocol) -> Iterator[list[Frame]]:
        """Yield the frames, BGR, of one clip after the other."""
        window: list[Frame] = []
        for frame in self._timed(shrunk_frames(self._open(), self._short_side)):
            window.append(frame)
            if len(window) == protocol.window:
                yield window
                window = []
        if window:
            yield window

    def _open(self) -> _Measured:
        started = time.monotonic()
        source = VideoFile(self._path)
        self._seconds += time.monotonic() - started
        return _Measured(source, self._limits)

    def _timed(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        # Decoding alone: not what is done with the frames, or waiting for a turn.
        count = 0
        while True:
            started = time.monotonic()
            frame = next(frames, None)
            self._seconds += time.monotonic() - started
            if frame is None:
                return
            count += 1
            if self._seconds > self._limits.max_decode_seconds:
                msg = (
                    f"takes too long to decode: {count} frames in "
                    f"{self._limits.max_decode_seconds:g} s, where the limit is"
                )
                raise BadVideoError(msg)
            yield frame


class _Measured:
    """A video's frames, counted and measured as they come: what the file declares may be a lie."""

    def __init__(self, source: VideoFile, limits: ServingOptions) -> None:
        self.fps, self.declared = source.fps, source.declared
        self._source, self._limits = source, limits
        self._check_size(source.height, source.width)
        if source.declared > limits.max_video_frames:
            msg = f"too long: {source.declared} frames, at most {limits.max_video_frames} are taken"
            raise BadVideoError(msg)

    def frames(self) -> Iterator[Frame]:
        """Yield frames in BGR; raises BadVideoError at the first one beyond a limit."""
        for count, frame in enumerate(self._source.frames(), 1):
            if count > self._limits.max_video_frames:
                msg = (
                    f"too long: more than the {self._limits.max_video_frames} frames that are taken"
                )
                raise BadVideoError(msg)
            self._check_size(frame.shape[0], frame.shape[1])
            yield frame

    def _check_size(self, height: int, width: int) -> None:
        if height * width > self._limits.max_megapixels * 1e6:
            msg = (
                f"frames too large: {width}x{height} pixels, at most "
                f"{self._limits.max_megapixels:g} million are taken"
            )
            raise BadVideoError(msg)


def _check_file(path: Path, limits: ServingOptions) -> None:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        msg = f"cannot be read: {error.strerror}"
        raise BadVideoError(msg) from None
    if size == 0:
        msg = "empty file"
        raise BadVideoError(msg)
    if size > limits.max_video_mib * 2**20:
        msg = f"too large: {size / 2**20:.1f} MiB, at most {limits.max_video_mib:g} are taken"
        raise BadVideoError(msg)
    if container_suffix(head) is None:
        msg = "not a video: no avi, mp4, mov, mkv, webm or mpg file begins like this"
        raise BadVideoError(msg)


def _clip(window: list[Frame], protocol: ClipProtocol) -> Clip:
    # Windows follow one another, so the first clip of these frames alone is the video's clip here.
    (indices,) = protocol.clip_indices(len(window))
    frames = [as_frame(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)) for frame in window]
    clip = np.empty(protocol.clip_shape, np.uint8)
    protocol.write_clip([frames[i] for i in indices], clip)
    return clip
