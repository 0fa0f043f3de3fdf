"""A constant frame rate out of frames with times: each moment shows the frame that is due then."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeVar

from vcc.data.decoding.errors import BadVideoError

Picture = TypeVar("Picture")

# A longer one is a broken timestamp, which would be filled with copies without end.
_LONGEST_SECONDS = 600.0


def at_constant_rate(
    timed: Iterator[tuple[float, float, Picture]], fps: float
) -> Iterator[Picture]:
    """Yield pictures so that they last 1 / fps seconds each, repeating or leaving out as needed.

    A picture is shown from its time, rounded to the nearest frame, to that of the next: the rule of
    the ffmpeg program's filter `fps`.

    Args:
        timed: time and duration in seconds, and picture, in order; 0 is an unknown duration.
        fps: frames per second of the result, above 0.

    Raises:
        BadVideoError: a picture lasts longer than ten minutes.
    """
    start: float | None = None
    shown = 0
    last: tuple[float, Picture] | None = None
    for time, duration, picture in timed:
        start = time if start is None else start
        if last is not None:
            due = _slot(time - start, fps)
            yield from _repeated(last[1], due - shown, fps)
            shown = max(shown, due)
        last = (time - start + (duration or 1 / fps), picture)
    if last is not None:
        yield from _repeated(last[1], max(_slot(last[0], fps) - shown, 1 - shown), fps)


def _slot(seconds: float, fps: float) -> int:
    return math.floor(seconds * fps + 0.5)


def _repeated(picture: Picture, count: int, fps: float) -> Iterator[Picture]:
    if count > _LONGEST_SECONDS * fps:
        msg = f"a frame lasts {count / fps:.0f} s by its time stamps; they are broken"
        raise BadVideoError(msg)
    for _ in range(count):
        yield picture
