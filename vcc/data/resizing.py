"""Scaling of frames: the one way in which this project makes a frame smaller or larger.

OpenCV on uint8 rather than torchvision on tensors: prepare's workers must not import torch, and it
takes a tenth of the time per frame.
"""

from __future__ import annotations

import math
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]

# Videos and clips are what runs in parallel here, in processes. OpenCV's own threads are lost in a
# forked one: a loader worker that then sets their number, or needs them, waits for ever.
cv2.setNumThreads(1)

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


def resize_stack(frames: Frame, target: Frame) -> Frame:
    """Resize frames [T, h, w, 3] into an array [T, H, W, 3] and return it, or them if of its size.

    The frames may be columns of wider ones. Each is resized by itself: at most one level of a pixel
    differs from `resize` of a single frame, by rounding.
    """
    if frames.shape == target.shape:
        return frames
    count, height, width = target.shape[:3]
    method = _method(frames[0], height, width)
    if method == cv2.INTER_AREA:
        for frame, place in zip(frames, target, strict=True):
            cv2.resize(frame, (width, height), dst=place, interpolation=method)
        return target
    # As one tall picture, in one call: its rows lie where those of the single frames do.
    tall = frames.reshape(-1, *frames.shape[2:])
    whole = target.reshape(-1, *target.shape[2:])
    cv2.resize(tall, (width, count * height), dst=whole, interpolation=method)
    # Only where it enlarges, rows before the first and after the last one's centre would blend
    # into the neighbouring frame: there a frame's own edge goes on.
    blended = math.ceil(height / frames.shape[1] / 2 - 0.5)
    if blended > 0:
        edges = frames[:, (0, -1)].reshape(-1, *frames.shape[2:])
        scaled = as_frame(cv2.resize(edges, (width, 2 * count), interpolation=method))
        ends = scaled.reshape(count, 2, *target.shape[2:])
        target[:, :blended] = ends[:, :1]
        target[:, height - blended :] = ends[:, 1:]
    return target


def as_frame(image: object) -> Frame:
    """Return an image from OpenCV, whose stubs know no element types, as what it is."""
    return cast(Frame, image)
