"""The evaluation protocol: which clips of a video are looked at, and with which crop.

One object for dev, test, ONNX and serving, so that accuracies are comparable: a video is cut into
consecutive windows, every window is one clip with one fixed crop (the thesis's test procedure).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vcc.config.data import CROP_POSITIONS, ClipOptions
from vcc.data.clips.resizing import Frame, resize, scaled_size
from vcc.data.clips.temporal import consecutive_windows
from vcc.errors import DataError, nearest


@dataclass(frozen=True)
class ClipProtocol:
    """Clips of `sample_duration` frames, every `downsample`-th, and `sample_size` pixels square.

    The short side is scaled to `sample_size / scale_in_test` and cropped at
    `crop_position_in_test`: c (centre), tl, tr, bl or br.
    """

    sample_size: int
    sample_duration: int
    downsample: int = 1
    scale_in_test: float = 1.0
    crop_position_in_test: str = "c"

    def __post_init__(self) -> None:
        if self.crop_position_in_test not in CROP_POSITIONS:
            hint = nearest(self.crop_position_in_test, CROP_POSITIONS)
            msg = f"crop_position_in_test: no position {self.crop_position_in_test!r}: {hint}"
            raise DataError(msg)
        if min(self.sample_size, self.sample_duration, self.downsample) < 1:
            msg = f"{self}: sizes must be 1 or more; correct the protocol"
            raise DataError(msg)
        if not 0 < self.scale_in_test <= 1:
            msg = f"scale_in_test: {self.scale_in_test} is not above 0 and at most 1"
            raise DataError(msg)

    @classmethod
    def from_options(cls, options: ClipOptions) -> ClipProtocol:
        """Return the protocol that the clip options describe."""
        return cls(
            sample_size=options.sample_size,
            sample_duration=options.sample_duration,
            downsample=options.downsample,
            scale_in_test=options.scale_in_test,
            crop_position_in_test=options.crop_position_in_test,
        )

    def clip_indices(self, n_frames: int) -> NDArray[np.int64]:
        """Return frame numbers [n_clips, sample_duration] over the whole video.

        Windows of `sample_duration * downsample` frames follow one another; the short last one
        loops.
        """
        return consecutive_windows(n_frames, size=self.sample_duration, stride=self.downsample)

    def clips(self, frames: NDArray[np.uint8]) -> torch.Tensor:
        """Return all clips of a video, uint8 [n_clips, 3, T, H, W] in RGB.

        Args:
            frames: uint8 [F, H, W, 3] in RGB, all frames of the video in order.

        Raises:
            DataError: the frames have another shape or type, or there are none.
        """
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not len(frames):
            msg = (
                f"frames are {frames.dtype} {list(frames.shape)}; "
                "give the video as uint8 [F, H, W, 3] with at least one frame"
            )
            raise DataError(msg)
        windows = self.clip_indices(len(frames))
        clips = np.empty((len(windows), *self.clip_shape), np.uint8)
        for clip, window in zip(clips, windows, strict=True):
            self.write_clip([frames[i] for i in window], clip)
        return torch.from_numpy(clips)

    @property
    def window(self) -> int:
        """How many of the video's frames a clip spans."""
        return self.sample_duration * self.downsample

    def mean_clips(self, lengths: Iterable[int]) -> float:
        """Return how many clips videos of so many frames are cut into, their mean; 0 for none."""
        counts = [math.ceil(length / self.window) for length in lengths]
        return sum(counts) / max(1, len(counts))

    @property
    def text(self) -> str:
        """The clip as people write it: frames x height x width, and the stride where it is not 1.

        Such as "16x112x112" or "8x112x112 stride 2".
        """
        shape = f"{self.sample_duration}x{self.sample_size}x{self.sample_size}"
        return shape if self.downsample == 1 else f"{shape} stride {self.downsample}"

    @property
    def clip_shape(self) -> tuple[int, int, int, int]:
        """Shape [3, T, H, W] of a clip."""
        return 3, self.sample_duration, self.sample_size, self.sample_size

    def write_clip(self, frames: Sequence[Frame], clip: NDArray[np.uint8]) -> None:
        """Scale and crop the frames of one clip into an array uint8 [3, T, H, W]."""
        write_planes(np.stack([self._cropped(frame) for frame in frames]), clip)

    def _cropped(self, frame: Frame) -> Frame:
        size = self.sample_size
        height, width = frame.shape[0], frame.shape[1]
        height, width = scaled_size(height, width, int(size / self.scale_in_test))
        scaled = resize(frame, height, width)
        top, left = crop_corner(height, width, size, position=self.crop_position_in_test)
        return scaled[top : top + size, left : left + size]

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON types only."""
        return asdict(self)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the protocol: clip accuracies are comparable where it is equal."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def view(self) -> str:
        """What of a frame is looked at: video accuracies are comparable where it is equal.

        The frames and pixels of a clip belong to the network: one that looks at fewer is judged by
        what it then says of the same videos.
        """
        return f"scale {self.scale_in_test:g} at {self.crop_position_in_test}"


def crop_corner(height: int, width: int, size: int, *, position: str) -> tuple[int, int]:
    """Return (top, left) of a square crop at a position, rounding as the thesis's CornerCrop."""
    if position == "c":
        return round((height - size) / 2), round((width - size) / 2)
    top = 0 if position[0] == "t" else height - size
    left = 0 if position[1] == "l" else width - size
    return top, left


def write_planes(frames: NDArray[np.uint8], clip: NDArray[np.uint8]) -> None:
    """Write frames uint8 [T, H, W, 3] into a clip uint8 [3, T, H, W], which is contiguous.

    The frames may be columns of wider ones, and have a fourth channel, which is left out.
    """
    # As one tall picture: a tenth of the time of a transposition.
    tall = frames.reshape(-1, *frames.shape[2:])
    planes = [plane.reshape(tall.shape[:2]) for plane in clip]
    if tall.shape[2] > len(planes):
        planes.append(np.empty_like(planes[0]))
    cv2.split(tall, planes)
