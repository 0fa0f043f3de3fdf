"""Scaling of frames: the one way in which this project makes a frame smaller or larger.

OpenCV on uint8 rather than torchvision on tensors: prepare's workers must not import torch, and it
takes a tenth of the time per frame.
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]

# Bilinear interpolation looks at two source pixels each way: beyond this ratio it skips pixels and
# aliases. Averaging over areas does not, but takes eight times as long.
_BILINEAR_TO = 2.0


def scaled_size(height: int, width: int, short_side: int) -> tuple[int, int]:
    """Return (height, width) with the shorter one equal to `short_side`, the longer rounded down.

    The rounding is that of the thesis's `Scale`.
    """
    if height <= width:
        return short_side, max(short_side, short_side * width // height)
    return max(short_side, short_side * height // width), short_side


def shrunk_size(frame: Frame, short_side: int) -> tuple[int, int]:
    """Return a frame's `scaled_size`, or its own size where that would enlarge it."""
    height, width = frame.shape[0], frame.shape[1]
    if min(height, width) <= short_side:
        return height, width
    return scaled_size(height, width, short_side)


def resize(frame: Frame, height: int, width: int) -> Frame:
    """Return a frame [H, W, 3] resized, by areas when it shrinks much and bilinear otherwise."""
    if frame.shape[:2] == (height, width):
        return frame
    method = _method(frame, height, width)
    return as_frame(cv2.resize(frame, (width, height), interpolation=method))


def _method(frame: Frame, height: int, width: int) -> int:
    shrink = max(frame.shape[0] / height, frame.shape[1] / width)
    return cv2.INTER_AREA if shrink > _BILINEAR_TO else cv2.INTER_LINEAR


def resize_into(frame: Frame, target: Frame) -> None:
    """Write a frame into an array [H, W, 3], resized to its height and width."""
    height, width = target.shape[0], target.shape[1]
    if frame.shape == target.shape:
        np.copyto(target, frame)
    else:
        cv2.resize(frame, (width, height), dst=target, interpolation=_method(frame, height, width))


def as_frame(image: object) -> Frame:
    """Return an image from OpenCV, whose stubs know no element types, as what it is."""
    return cast(Frame, image)
