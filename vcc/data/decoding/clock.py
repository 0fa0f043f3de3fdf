"""When frames are shown, by their time stamps, and whether they follow each other evenly."""

from __future__ import annotations

from collections import Counter

import av

_DEFAULT_FPS = 25.0

# Time stamps are rounded, by MKV to a millisecond, and a recorder may drop a frame now and then.
_UNEVEN_BY = 0.5
_UNEVEN_SHARE = 0.1

# In milliseconds; frames of more than 500 a second are no longer than that.
_ROUNDING = 1

# Frames that were stored in another order go back by fewer.
_JOINED_STEPS = 5


class Clock:
    """Reads the times of a video's pictures, which are to be shown to it in order.

    Args:
        fps: of the video, for pictures without a time; 0 where that is not known.
        by_decoding: take the times of decoding: AVI has no others, and FFmpeg's guesses of when
            its pictures are shown go back and forth.
        by_counting: take no times at all: raw streams have none, and FFmpeg's guesses are wrong.
    """

    def __init__(self, fps: float, *, by_decoding: bool, by_counting: bool = False) -> None:
        self._step = 1 / (fps or _DEFAULT_FPS)
        self._by_decoding = by_decoding
        self._by_counting = by_counting
        self._first = 0.0
        self._last: float | None = None
        self._joined = 0.0
        self._count = 0
        self._gaps: Counter[int] = Counter()

    def time(self, picture: av.VideoFrame) -> float:
        """Return a picture's time in seconds, never before that of the one before.

        Where times begin anew, as in files that were joined, they go on from the last.
        """
        time = self._stated(picture)
        self._count += 1
        if self._last is None:
            self._first = self._last = time
            return time
        if time < self._last - _JOINED_STEPS * self._step:
            self._joined += self._last + self._step - time
            time = self._last + self._step
        time = max(time, self._last)
        self._gaps[round(1000 * (time - self._last))] += 1
        self._last = time
        return time

    def _stated(self, picture: av.VideoFrame) -> float:
        stamp = picture.dts if self._by_decoding else picture.pts
        if self._by_counting or stamp is None or picture.time_base is None:
            return 0.0 if self._last is None else self._last + self._step
        return float(stamp * picture.time_base) + self._joined

    def duration(self, picture: av.VideoFrame) -> float:
        """Return how many seconds a picture is shown, by itself or by the video's rate."""
        if picture.duration and picture.time_base is not None and not self._by_counting:
            return float(picture.duration * picture.time_base)
        return self._step

    @property
    def fps(self) -> float:
        """Frames per second of the pictures so far, by their times; 0 where they have none."""
        seconds = 0.0 if self._last is None else self._last - self._first
        return (self._count - 1) / seconds if seconds > 0 else 0.0

    @property
    def is_uneven(self) -> bool:
        """Whether more than a tenth of the pictures so far were shown differently long."""
        if not self._gaps:
            return False
        usual = self._gaps.most_common(1)[0][0]
        uneven = sum(
            count
            for gap, count in self._gaps.items()
            if abs(gap - usual) > max(_UNEVEN_BY * usual, _ROUNDING)
        )
        return uneven > _UNEVEN_SHARE * self._gaps.total()
