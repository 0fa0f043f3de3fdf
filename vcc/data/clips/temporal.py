"""Which frames make a clip: pure functions from a video's length to frame indices.

All count from 0 and cover `size * stride` frames of the video, of which every `stride`-th is taken.
Where the video is too short, its indices are repeated from the window's start (loop padding). For
the same draw the results equal those of the thesis's TemporalRandomCrop, TemporalCenterCrop,
TemporalBeginCrop and LoopPadding (okankop/Efficient-3DCNNs, `temporal_transforms.py`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def looped_window(n_frames: int, begin: int, *, size: int, stride: int = 1) -> Indices:
    """Return the clip that starts at `begin`, looping over the frames left from there.

    Args:
        n_frames: frames in the video, at least 1.
        begin: first frame, 0 to n_frames - 1.
        size: frames in the clip.
        stride: take every `stride`-th frame of the window.
    """
    left = min(size * stride, n_frames - begin)
    return begin + np.arange(0, size * stride, stride, dtype=np.int64) % left


def last_random_begin(n_frames: int, *, size: int, stride: int = 1) -> int:
    """Return the largest start that a random clip may draw.

    It is `n_frames - size * stride - 1`, one less than would fit: the thesis's bound, kept so that
    the same draw gives the same clip.
    """
    return max(0, n_frames - size * stride - 1)


def random_window(
    n_frames: int, generator: np.random.Generator, *, size: int, stride: int = 1
) -> Indices:
    """Return a clip that starts anywhere a whole one fits, from one draw of the generator."""
    last = last_random_begin(n_frames, size=size, stride=stride)
    begin = int(generator.integers(0, last, endpoint=True))
    return looped_window(n_frames, begin, size=size, stride=stride)


def window_around(n_frames: int, *, begin: int, span: int, size: int, stride: int = 1) -> Indices:
    """Return a clip with the same middle as frames `begin` to `begin + span - 1`.

    It is moved as far as it must to lie within the video; where that is too short, it loops.
    """
    wanted = begin + (span - size * stride) // 2
    last = max(0, n_frames - size * stride)
    return looped_window(n_frames, min(max(0, wanted), last), size=size, stride=stride)


def consecutive_windows(n_frames: int, *, size: int, stride: int = 1) -> Indices:
    """Return non-overlapping clips [n_clips, size] over the whole video; a short last one loops."""
    begins = range(0, n_frames, size * stride)
    return np.stack([looped_window(n_frames, b, size=size, stride=stride) for b in begins])


def spread(count: int, available: int) -> Indices:
    """Return which `count` of `available` things to keep, first and last among them, in order.

    All of them when there are no more than `count` or `count` is 0; the middle one when it is 1.
    """
    if count == 0 or available <= count:
        return np.arange(available, dtype=np.int64)
    if count == 1:
        return np.array([available // 2], dtype=np.int64)
    steps = [i * (available - 1) / (count - 1) for i in range(count)]
    return np.round(steps).astype(np.int64)
