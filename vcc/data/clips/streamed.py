"""One video file from outside to the clips of the protocol, within limits.

The clips are those that evaluation takes from the frame store: the same decoder, the same scaling
to the store's short side, the same windows and crop. Frames become clips as they come, and clips
are handed out as they are made, so that memory does not grow with the video's length.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vcc.config.serving import ServingOptions
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.clips.resizing import Frame, as_frame
from vcc.data.clips.temporal import spread
from vcc.data.decoding.containers import HEAD_BYTES, KINDS, container_suffix
from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.no_video import why_no_video
from vcc.data.decoding.reading import Reading
from vcc.data.decoding.source import shrunk_frames
from vcc.data.decoding.video_file import VideoFile, count_frames

logger = logging.getLogger(__name__)

Clip = NDArray[np.uint8]


def clips_of_file(
    path: Path,
    protocol: ClipProtocol,
    *,
    short_side: int,
    limits: ServingOptions,
    n_clips: int = 0,
    fps: float = 0.0,
) -> Iterator[Clip]:
    """Yield a video's clips, uint8 [3, T, H, W] in RGB, in order.

    Args:
        path: a video file.
        protocol: which clips and which crop.
        short_side: of the frame store that the network was trained from, pixels.
        limits: what is refused.
        n_clips: take only this many, spread evenly; 0 takes all. So many are held at once.
        fps: frames per second that the store's videos were resampled to; 0 where they were not.

    Raises:
        BadVideoError: it is not a video within the limits; the message is the reason alone. What
            is found at the end, such as that too little came, is raised after the last clip.
    """
    video = StreamedVideo(path, protocol, short_side=short_side, limits=limits, fps=fps)
    yield from video.read(n_clips)


class StreamedVideo:
    """A video file's clips, and what is known of the file after the last one.

    Args:
        path: a video file.
        protocol: which clips and which crop.
        short_side: of the frame store that the network was trained from, pixels.
        limits: what is refused.
        fps: frames per second that the store's videos were resampled to; 0 where they were not.
    """

    def __init__(
        self,
        path: Path,
        protocol: ClipProtocol,
        *,
        short_side: int,
        limits: ServingOptions,
        fps: float = 0.0,
    ) -> None:
        self._path, self._protocol, self._limits = path, protocol, limits
        self._video = _Video(path, short_side, limits, fps)

    @property
    def fps(self) -> float:
        """Frames per second of the frames that came; 0 where nothing tells."""
        return self._video.fps

    @property
    def frames(self) -> int:
        """How many frames came."""
        return self._video.frames

    def read(self, n_clips: int = 0) -> Iterator[Clip]:
        """Yield the clips as `clips_of_file` does."""
        _check_file(self._path, self._limits)
        video, protocol = self._video, self._protocol
        try:
            if n_clips == 0:
                for window in video.windows(protocol):
                    yield _clip(window, protocol)
            else:
                yield from _spread_clips(video, protocol, n_clips)
        except cv2.error as error:
            msg = f"cannot be decoded: {error.err or error}"
            raise BadVideoError(msg) from None
        if video.cut:
            name = self._path.name
            logger.warning("%s: cut or damaged, used as far as it came: %s", name, video.cut)


def reading_within(limits: ServingOptions, fps: float) -> Reading:
    """Return how a video from outside is read.

    Args:
        limits: what is refused.
        fps: frames per second that it is resampled to; 0 keeps its frames.
    """
    return Reading(
        fps=fps,
        min_decoded_share=limits.min_decoded_share,
        max_pixels=limits.max_megapixels * 1e6,
    )


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

    def __init__(self, path: Path, short_side: int, limits: ServingOptions, fps: float) -> None:
        self._path, self._short_side, self._limits = path, short_side, limits
        self._reading = reading_within(limits, fps)
        self._seconds = 0.0
        self.cut = ""
        self.fps, self.frames = 0.0, 0

    def declared(self) -> int:
        """Return the number of frames that the file says it has; 0 where it says nothing."""
        return self._open().declared

    def windows(self, protocol: ClipProtocol) -> Iterator[list[Frame]]:
        """Yield the frames, BGR, of one clip after the other."""
        window: list[Frame] = []
        source = self._open()
        self.frames = 0
        for frame in self._timed(shrunk_frames(_Counted(source, self._limits), self._short_side)):
            self.frames += 1
            window.append(frame)
            if len(window) == protocol.window:
                yield window
                window = []
        if window:
            yield window
        self.cut, self.fps = source.cut, source.fps

    def _open(self) -> VideoFile:
        started = time.monotonic()
        source = VideoFile(self._path, self._reading)
        most = self._limits.max_video_frames
        # What it declares may be far from what it shows: only packets are worth a refusal.
        if source.declared > most and (count := count_frames(self._path, self._reading)) > most:
            msg = f"too long: {count} frames, at most {most} are taken"
            raise BadVideoError(msg)
        self._seconds += time.monotonic() - started
        return source

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


class _Counted:
    """A video's frames, counted as they come."""

    def __init__(self, source: VideoFile, limits: ServingOptions) -> None:
        self.fps, self.declared = source.fps, source.declared
        self._source, self._most = source, limits.max_video_frames

    def frames(self) -> Iterator[Frame]:
        """Yield frames in BGR; raises BadVideoError at the first one beyond the limit."""
        for count, frame in enumerate(self._source.frames(), 1):
            if count > self._most:
                msg = f"too long: more than the {self._most} frames that are taken"
                raise BadVideoError(msg)
            yield frame


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
        why = why_no_video(head)
        msg = f"not a video: {f'it {why}' if why else f'no {KINDS} file begins like this'}"
        raise BadVideoError(msg)


def _clip(window: list[Frame], protocol: ClipProtocol) -> Clip:
    # Windows follow one another, so the first clip of these frames alone is the video's clip here.
    (indices,) = protocol.clip_indices(len(window))
    frames = [as_frame(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)) for frame in window]
    clip = np.empty(protocol.clip_shape, np.uint8)
    protocol.write_clip([frames[i] for i in indices], clip)
    return clip
