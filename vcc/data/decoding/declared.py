"""What a file says about itself: kept for notes and estimates, never taken for the truth.

Edit lists, sound that lasts longer, a variable frame rate and dropped frames all make the number of
frames that are shown another one.
"""

from __future__ import annotations

import re

from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.messages import Message

_CLOCK = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)")
_UNKNOWN_CODEC = re.compile(r"\(Video: ([^,)]*\)?)")
_MICROSECONDS = 1e6
_MOST_FPS = 20_000
# The coarsest unit of time stamps that containers use is a millisecond.
_LEAST_CLOCK = 1000
_EQUAL = 1e-6


def video_stream(media: InputContainer, heard: list[Message]) -> VideoStream:
    """Return the moving picture of a file, and not its cover.

    Raises:
        BadVideoError: it has none, or none that can be decoded; the codec is named.
    """
    stream = media.streams.best("video")
    if not isinstance(stream, VideoStream) or stream.disposition & Disposition.attached_pic:
        msg = "holds no video"
        raise BadVideoError(msg)
    # The package's types say that there always is one.
    context: object = stream.codec_context
    if context is None:
        named = [match[1] for each in heard if (match := _UNKNOWN_CODEC.search(each.text))]
        msg = f"its codec cannot be decoded: {named[0] if named else 'not known'}"
        raise BadVideoError(msg)
    return stream


def frame_rate(stream: VideoStream) -> float:
    """Return the mean frames per second, 0 where the file does not say or says nonsense."""
    for stated in (stream.average_rate, stream.guessed_rate):
        rate = float(stated or 0)
        if 0 < rate <= _MOST_FPS and not _is_clock(rate, stream):
            return rate
    return 0.0


def _is_clock(rate: float, stream: VideoStream) -> bool:
    """Return whether a rate is but the unit of time stamps, which FFmpeg says for want of one."""
    if rate < _LEAST_CLOCK or stream.time_base is None:
        return False
    return abs(rate * float(stream.time_base) - 1) < _EQUAL


def declared_frames(media: InputContainer, stream: VideoStream) -> int:
    """Return the number of frames that a file declares, or that follows from its duration."""
    if stream.frames > 0:
        return stream.frames
    return max(0, round(declared_seconds(media, stream) * frame_rate(stream)))


def declared_seconds(media: InputContainer, stream: VideoStream) -> float:
    """Return the duration of the picture in seconds, else that of all; 0 where neither is known."""
    # The reader of AVI takes the duration of a cut file from what is left of it.
    rate = frame_rate(stream)
    if media.format.name == "avi" and stream.frames > 0 and rate:
        return stream.frames / rate
    if stream.duration is not None and stream.time_base is not None:
        return max(0.0, float(stream.duration * stream.time_base))
    if clock := _CLOCK.fullmatch(stream.metadata.get("DURATION", "")):
        # Counted from zero, whenever the picture begins.
        end = 3600 * int(clock[1]) + 60 * int(clock[2]) + float(clock[3])
        return max(0.0, end - max(0.0, _begin(stream)))
    return max(0, media.duration or 0) / _MICROSECONDS


def _begin(stream: VideoStream) -> float:
    if stream.start_time is None or stream.time_base is None:
        return 0.0
    return float(stream.start_time * stream.time_base)
