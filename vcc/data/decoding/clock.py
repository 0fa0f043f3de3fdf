"""When frames are shown, by their time stamps, and whether they follow each other evenly."""

from __future__ import annotations

from collections import Counter

import av

_DEFAULT_FPS = 25.0

# Time stamps are rounded, by MKV to a millisecond, and a recorder may drop a frame now and then.
_UNEVEN_BY = 0.5
_UNEVEN_SHARE = 0.1


class Clock:
    """Reads the times of a video's pictures, which are to be shown to it in order.

    Args:
        fps: of the video, for pictures without a time; 0 where that is not known.
        by_decoding: take the times of decoding: AVI has no others, and FFmpeg's guesses of when
            its pictures are shown go back and forth.
    """

    def __init__(self, fps: float, *, by_decoding: bool) -> None:
        self._step = 1 / (fps or _DEFAULT_FPS)
        self._by_decoding = by_decoding
        self._last: float | None = None
        self._gaps: Counter[int] = Counter()

    def time(self, picture: av.VideoFrame) -> float:
        """Return a picture's time in seconds, never before that of the one before."""
        stamp = picture.dts if self._by_decoding else picture.pts
        if stamp is None or picture.time_base is None:
            time = 0.0 if self._last is None else self._last + self._step
        else:
            time = float(stamp * picture.time_base)
        if self._last is not None:
            time = max(time, self._last)
            self._gaps[round(1000 * (time - self._last))] += 1
        self._last = time
        return time

    def duration(self, picture: av.VideoFrame) -> float:
        """Return how many seconds a picture is shown, by itself or by the video's rate."""
        if picture.duration and picture.time_base is not None:
            return float(picture.duration * picture.time_base)
        return self._step

    @property
    def is_uneven(self) -> bool:
        """Whether more than a tenth of the pictures so far were shown differently long."""
        if not self._gaps:
            return False
        usual = self._gaps.most_common(1)[0][0]
        uneven = sum(
            count for gap, count in self._gaps.items() if abs(gap - usual) > _UNEVEN_BY * usual
        )
        return uneven > _UNEVEN_SHARE * self._gaps.total()
