"""Training crops, the same for all frames of a clip, and the transform that begins with them.

A crop is a square box in the stored frame that is then resized, so that each frame is resized once
and only where it is needed. Everything random comes from the generator given.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vcc.config.data import CROP_POSITIONS, ClipOptions
from vcc.data.clips.box import Box
from vcc.data.clips.protocol import crop_corner, write_planes
from vcc.data.clips.resizing import resize_stack
from vcc.data.clips.scratch import Scratch

Frames = NDArray[np.uint8]

# The usual recipe for 112-pixel clips scales the short side to 128: the crop is 7/8 of it.
_RANDOM_CROP_SHARE = 7 / 8


@dataclass(frozen=True)
class Crop:
    """What a clip shows of its frames."""

    box: Box
    flipped: bool


def crop_scales(options: ClipOptions) -> list[float]:
    """Return the multi-scale crops' shares of the short side, largest first."""
    return [options.initial_scale * options.scale_step**i for i in range(options.n_scales)]


def centre_box(height: int, width: int) -> Box:
    """Return the largest square in the middle."""
    side = min(height, width)
    top, left = crop_corner(height, width, side, position="c")
    return Box(top, left, side)


def random_box(height: int, width: int, rng: np.random.Generator, *, share: float) -> Box:
    """Return a square of that share of the short side, anywhere (thesis: MultiScaleRandomCrop)."""
    side = max(1, int(min(height, width) * share))
    top = int(rng.random() * (height - side + 1))
    left = int(rng.random() * (width - side + 1))
    return Box(top, left, side)


def corner_box(height: int, width: int, *, share: float, position: str) -> Box:
    """Return a square of that share of the short side at a corner or in the middle.

    In the middle the side is rounded down to an even number, as in the thesis's
    MultiScaleCornerCrop.
    """
    side = max(1, int(min(height, width) * share))
    if position == "c" and side > 1:
        half = side // 2
        return Box(height // 2 - half, width // 2 - half, 2 * half)
    return Box(*crop_corner(height, width, side, position=position), side)


class TrainTransform:
    """Crop, flip and augment training clips as the options say.

    Args:
        options: crop, scales and augmentation.
        flip: whether mirrored clips keep their label.
    """

    def __init__(self, options: ClipOptions, *, flip: bool) -> None:
        self._options = options
        self._flip = flip and not options.no_hflip
        self._scales = crop_scales(options)
        self._scratch = Scratch()
        self._augments = any(
            (
                options.rotation,
                options.brightness,
                options.contrast,
                options.saturation,
                options.hue,
                options.random_erasing,
            )
        )

    def draw(self, height: int, width: int, rng: np.random.Generator) -> Crop:
        """Draw what a clip from frames of that size shows."""
        box = self._box(height, width, rng)
        return Crop(box, flipped=self._flip and rng.random() < 0.5)

    def write_clip(
        self, frames: Frames, clip: NDArray[np.uint8], rng: np.random.Generator, *, flipped: bool
    ) -> None:
        """Write a clip, scaled, flipped and augmented.

        Args:
            frames: uint8 [T, side, side, 4] in RGBX, the crop's box of each.
            clip: uint8 [3, T, S, S] to write into.
            rng: of the augmentation.
            flipped: whether to mirror it.
        """
        scaled = self._scratch.array("scaled", *clip.shape[1:], frames.shape[3])
        write_planes(resize_stack(frames, scaled), clip)
        if flipped:
            lines = clip.reshape(-1, clip.shape[-1])
            cv2.flip(lines, 1, dst=lines)
        if self._augments:
            # Here: torchvision brings PyTorch's compiler along, 2 s of each worker's start.
            from vcc.data.clips.augmentation import augment

            clip[:] = augment(torch.from_numpy(clip), self._options, rng).numpy()

    def _box(self, height: int, width: int, rng: np.random.Generator) -> Box:
        crop = self._options.train_crop
        if crop == "center":
            return centre_box(height, width)
        if crop == "random":
            return random_box(height, width, rng, share=_RANDOM_CROP_SHARE)
        share = self._scales[int(rng.integers(len(self._scales)))]
        if crop == "multiscale_random":
            return random_box(height, width, rng, share=share)
        position = CROP_POSITIONS[int(rng.integers(len(CROP_POSITIONS)))]
        return corner_box(height, width, share=share, position=position)
