"""One video file from outside to the clips of the protocol, within limits.

The clips are those that evaluation takes from the frame store: the same decoder, the same scaling
to the store's short side, the same windows and crop. Frames are turned into clips as they come, so
that memory holds one window of frames and the clips.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

from vcc.config.serving import ServingOptions
from vcc.data.containers import HEAD_BYTES, container_suffix
from vcc.data.decode import BadVideoError, VideoFile, shrunk_frames
from vcc.data.protocol import ClipProtocol
from vcc.data.resizing import Frame, as_frame
from vcc.data.temporal import spread


def clips_of_file(
    path: Path,
    protocol: ClipProtocol,
    *,
    short_side: int,
    limits: ServingOptions,
    n_clips: int = 0,
) -> torch.Tensor:
    """Return a video's clips, uint8 [n_clips, 3, T, H, W] in RGB.

    Args:
        path: a video file.
        protocol: which clips and which crop.
        short_side: of the frame store that the network was trained from, pixels.
        limits: what is refused.
        n_clips: take only this many, spread evenly; 0 takes all.

    Raises:
        BadVideoError: it is not a whole video within the limits; the message is the reason alone.
    """
    _check_file(path, limits)
    try:
        source = VideoFile(path)
        _check_declared(source, limits)
        frames = _limited(shrunk_frames(source, short_side), limits)
        clips = list(_clips(frames, protocol))
    except cv2.error as error:
        msg = f"cannot be decoded: {error.err or error}"
        raise BadVideoError(msg) from None
    chosen = [clips[i] for i in spread(n_clips, len(clips))]
    return torch.from_numpy(np.stack(chosen))


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


def _check_declared(source: VideoFile, limits: ServingOptions) -> None:
    # What the file declares may be a lie: frames are counted and measured as they come, too.
    if source.width * source.height > limits.max_megapixels * 1e6:
        raise BadVideoError(_too_big(source.height, source.width, limits))
    if source.declared > limits.max_video_frames:
        msg = f"too long: {source.declared} frames, at most {limits.max_video_frames} are taken"
        raise BadVideoError(msg)


def _limited(frames: Iterator[Frame], limits: ServingOptions) -> Iterator[Frame]:
    deadline = time.monotonic() + limits.max_decode_seconds
    for count, frame in enumerate(frames, 1):
        if count > limits.max_video_frames:
            msg = f"too long: more than the {limits.max_video_frames} frames that are taken"
            raise BadVideoError(msg)
        if time.monotonic() > deadline:
            msg = (
                f"takes too long to decode: {count} frames in "
                f"{limits.max_decode_seconds:g} s, where the limit is"
            )
            raise BadVideoError(msg)
        yield frame


def _clips(frames: Iterator[Frame], protocol: ClipProtocol) -> Iterator[np.ndarray]:
    window: list[Frame] = []
    size = protocol.sample_duration * protocol.downsample
    for frame in frames:
        window.append(as_frame(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)))
        if len(window) == size:
            yield _clip(window, protocol)
            window = []
    if window:
        yield _clip(window, protocol)


def _clip(window: list[Frame], protocol: ClipProtocol) -> np.ndarray:
    # Windows follow one another, so the first clip of these frames alone is the video's clip here.
    (indices,) = protocol.clip_indices(len(window))
    clip = np.empty(protocol.clip_shape, np.uint8)
    protocol.write_clip([window[i] for i in indices], clip)
    return clip


def _too_big(height: int, width: int, limits: ServingOptions) -> str:
    return (
        f"frames too large: {width}x{height} pixels, at most {limits.max_megapixels:g} "
        "million are taken"
    )
