"""Videos of training and test that look alike though their files differ: encoded or scaled anew.

Three small pictures of each video are compared, as the signs of differences between neighbouring
pixels: of its first and its last frame looked at, and of the mean of all of them. Videos of other
lengths are not compared, so that another cut of the same recording is not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vcc.data.clips.resizing import Frame

# Height and width of the pictures; a row has as many differences as pixels less one.
_HEIGHT, _WIDTH = 8, 9
_BITS = 3 * _HEIGHT * (_WIDTH - 1)
# Of these bits: other videos differ in half of them, the same one encoded anew in a few.
_MOST_DIFFERENT = _BITS // 10
# Of nearly black or plain videos, fewer bits say nothing.
_LEAST_SET = _BITS // 10
_FRAMES_APART = 1
_SHOWN = 5


class Look:
    """What a video looks like, gathered frame by frame."""

    def __init__(self) -> None:
        self._first: NDArray[np.float32] | None = None
        self._last = self._sum = np.zeros((_HEIGHT, _WIDTH), np.float32)

    def add(self, frame: Frame) -> None:
        """Add a frame in BGR, uint8 [H, W, 3]."""
        grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        small = cv2.resize(grey, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
        self._last = small.astype(np.float32)
        self._sum = self._sum + self._last
        if self._first is None:
            self._first = self._last

    def text(self) -> str:
        """Return it as text of a fixed length; "" where there was no frame."""
        if self._first is None:
            return ""
        pictures = np.stack([self._first, self._sum, self._last])
        return np.packbits(pictures[:, :, 1:] > pictures[:, :, :-1]).tobytes().hex()


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A prepared video.

    Attributes:
        name: its path below the folder of videos.
        subset: train, dev or test.
        n_frames: how many frames it has.
        look: text of its `Look`; "" where it was stored before there was one.
        sha256: of its file.
    """

    name: str
    subset: str
    n_frames: int
    look: str
    sha256: str


def look_alikes(videos: Sequence[Seen]) -> list[str]:
    """Return a note if test videos look like training videos of the same length, else nothing.

    Equal files are another note's.
    """
    known = [video for video in videos if _tells(video.look)]
    test = [video for video in known if video.subset == "test"]
    others = [video for video in known if video.subset != "test"]
    if not test or not others:
        return []
    bits = _bits(others)
    frames = np.array([video.n_frames for video in others])
    digests = np.array([video.sha256 for video in others])
    pairs = []
    for video in test:
        different = (bits != _bits([video])).sum(axis=1)
        near = np.abs(frames - video.n_frames) <= _FRAMES_APART
        fitting = near & (digests != video.sha256)
        different[~fitting] = _BITS
        best = int(different.argmin())
        if different[best] <= _MOST_DIFFERENT:
            pairs.append(f"{video.name!r} (test) looks like {others[best].name!r}")
    return [_note(pairs)] if pairs else []


def _note(pairs: Sequence[str]) -> str:
    more = [f"and {len(pairs) - _SHOWN} more"] if len(pairs) > _SHOWN else []
    return (
        f"perhaps a leak: {len(pairs)} test videos look like training videos of the same length, "
        f"encoded anew: {', '.join([*pairs[:_SHOWN], *more])}: look at them"
    )


def _tells(look: str) -> bool:
    if not look:
        return False
    count = int.from_bytes(bytes.fromhex(look)).bit_count()
    return _LEAST_SET <= count <= _BITS - _LEAST_SET


def _bits(videos: Sequence[Seen]) -> NDArray[np.uint8]:
    rows = [np.frombuffer(bytes.fromhex(video.look), np.uint8) for video in videos]
    return np.unpackbits(np.stack(rows), axis=1)
