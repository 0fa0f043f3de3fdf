"""Scaling of frames: the one way in which this project makes a frame smaller or larger.

OpenCV on uint8 rather than torchvision on tensors: prepare's workers must not import torch, and it
takes a tenth of the time per frame. OpenCV has two ways, its own and Intel's primitives, IPP, which
it calls "not exact" since they differ from its own. They are taken where they are there: they round
to the nearest level, where its own bilinear scaling loses an eighth of one, and average areas three
to twelve times faster.
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
# aliases. Averaging over areas does not, but takes three times as long.
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
    return _scaled(frame, height, width, _method(frame, height, width))


def _method(frame: Frame, height: int, width: int) -> int:
    shrink = max(frame.shape[0] / height, frame.shape[1] / width)
    return cv2.INTER_AREA if shrink > _BILINEAR_TO else cv2.INTER_LINEAR


def _scaled(
    picture: Frame, height: int, width: int, method: int, target: Frame | None = None
) -> Frame:
    # The choice is a thread's own, and other uses of OpenCV are not ours to change. For the half of
    # a size OpenCV has a way of its own that is as exact and faster still.
    before = cv2.ipp.useIPP_NotExact()
    cv2.ipp.setUseIPP_NotExact(picture.shape[:2] != (2 * height, 2 * width))
    try:
        return as_frame(cv2.resize(picture, (width, height), dst=target, interpolation=method))
    finally:
        cv2.ipp.setUseIPP_NotExact(before)


def resize_stack(frames: Frame, target: Frame) -> Frame:
    """Resize frames [T, h, w, C] into an array [T, H, W, C] and return it, or them if of its size.

    The frames may be columns of wider ones. Each is resized by itself: at most one level of a pixel
    differs from `resize` of a single frame, by rounding. Four channels take less time than three.
    """
    if frames.shape == target.shape:
        return frames
    count, height, width = target.shape[:3]
    method = _method(frames[0], height, width)
    if method == cv2.INTER_AREA:
        for frame, place in zip(frames, target, strict=True):
            _scaled(frame, height, width, method, place)
        return target
    # As one tall picture, in one call: its rows lie where those of the single frames do.
    tall = frames.reshape(-1, *frames.shape[2:])
    whole = target.reshape(-1, *target.shape[2:])
    _scaled(tall, count * height, width, method, whole)
    # Only where it enlarges, rows before the first and after the last one's centre would blend
    # into the neighbouring frame: there a frame's own edge goes on.
    blended = math.ceil(height / frames.shape[1] / 2 - 0.5)
    if blended > 0:
        _scaled(frames[:, 0], count, width, method, target[:, 0])
        _scaled(frames[:, -1], count, width, method, target[:, -1])
    if blended > 1:
        target[:, 1:blended] = target[:, :1]
        target[:, height - blended : -1] = target[:, -1:]
    return target


def as_frame(image: object) -> Frame:
    """Return an image from OpenCV, whose stubs know no element types, as what it is."""
    return cast(Frame, image)
