"""Prepared videos as other recordings would show them, or as one still frame; for evaluation.

What a network is asked is decided as ever, by the protocol; the frames that it gets are others.
Nothing is drawn anew from call to call: which frames are lost depends on the video's id alone.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vcc.data.clips.resizing import Frame, as_frame
from vcc.data.store.frames import Indices
from vcc.data.store.jpeg import decode_jpeg, encode_jpeg
from vcc.data.store.manifest import VideoRecord
from vcc.data.store.prepared import PreparedDataset

_LOST_SHARE = 0.1
_JPEG_QUALITY = 30
_BRIGHTNESS = 0.3

Numbers = NDArray[np.int64]


def _as_many(n_frames: int) -> int:
    return n_frames


def _same_numbers(record: VideoRecord, numbers: Numbers) -> Numbers:
    return numbers


def _same_pixels(frame: Frame) -> Frame:
    return frame


@dataclass(frozen=True, kw_only=True)
class Perturbation:
    """How a video is changed.

    Attributes:
        text: what it is, for people.
        length: frames of the video -> frames that it then has.
        numbers: of a clip's frames [k] -> which stored ones are shown in their place.
        pixels: of a stored frame, uint8 [H, W, 3] in RGB -> what is shown.
    """

    text: str
    length: Callable[[int], int] = _as_many
    numbers: Callable[[VideoRecord, Numbers], Numbers] = _same_numbers
    pixels: Callable[[Frame], Frame] = _same_pixels


class PerturbedDataset(PreparedDataset):
    """A prepared data set whose whole frames are changed as they are read.

    Args:
        dataset: what is changed; its files stay.
        perturbation: how.
    """

    def __init__(self, dataset: PreparedDataset, perturbation: Perturbation) -> None:
        videos = tuple(
            dataclasses.replace(video, n_frames=perturbation.length(video.n_frames))
            for video in dataset.manifest.videos
        )
        super().__init__(dataset.root, dataclasses.replace(dataset.manifest, videos=videos))
        self._perturbation = perturbation

    def frame_list(self, record: VideoRecord, indices: Indices) -> list[Frame]:
        """Return frames as `PreparedDataset.frame_list`, changed."""
        numbers = self._perturbation.numbers(record, np.asarray(indices, np.int64))
        frames = super().frame_list(record, numbers)
        return [self._perturbation.pixels(frame) for frame in frames]


def _middle(record: VideoRecord, numbers: Numbers) -> Numbers:
    return np.full_like(numbers, numbers[len(numbers) // 2])


def _half(n_frames: int) -> int:
    return -(-n_frames // 2)


def _every_second(record: VideoRecord, numbers: Numbers) -> Numbers:
    return 2 * numbers


def _last_received(record: VideoRecord, numbers: Numbers) -> Numbers:
    """Return what a player shows that repeats the last frame it has; it has the first one."""
    rng = np.random.default_rng(zlib.crc32(record.id.encode(errors="surrogateescape")))
    received = rng.random(record.n_frames) >= _LOST_SHARE
    received[0] = True
    shown = np.maximum.accumulate(np.where(received, np.arange(record.n_frames), 0))
    return shown[numbers]


def _compressed(frame: Frame) -> Frame:
    bgr = as_frame(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    return decode_jpeg(encode_jpeg(bgr, _JPEG_QUALITY))


def _brighter(frame: Frame) -> Frame:
    return as_frame(cv2.convertScaleAbs(frame, alpha=1 + _BRIGHTNESS))


def _darker(frame: Frame) -> Frame:
    return as_frame(cv2.convertScaleAbs(frame, alpha=1 - _BRIGHTNESS))


def _mirrored(frame: Frame) -> Frame:
    return as_frame(cv2.flip(frame, 1))


# Their names are those of `vcc.config.data.PERTURBATIONS`.
PERTURBATIONS: Mapping[str, Perturbation] = {
    "one_frame": Perturbation(text="each clip's middle frame alone", numbers=_middle),
    "half_rate": Perturbation(text="half the frame rate", length=_half, numbers=_every_second),
    "jpeg30": Perturbation(text="JPEG of quality 30", pixels=_compressed),
    "brighter": Perturbation(text="30 % brighter", pixels=_brighter),
    "darker": Perturbation(text="30 % darker", pixels=_darker),
    "lost_frames": Perturbation(text="a tenth of the frames lost", numbers=_last_received),
    "mirrored": Perturbation(text="mirrored", pixels=_mirrored),
}
