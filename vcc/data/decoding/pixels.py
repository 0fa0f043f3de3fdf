"""Decoded pictures to frames: FFmpeg's colour conversion, then the turn that the file asks for."""

from __future__ import annotations

from typing import Any

import av
import cv2
import numpy as np
from av.video.plane import VideoPlane
from av.video.reformatter import Interpolation, VideoReformatter

from vcc.data.clips.resizing import Frame, as_frame
from vcc.data.decoding.errors import BadVideoError


class Pixels:
    """Makes frames of one video's pictures; keeps the converter, which is costly to set up.

    Matrix (BT.601, 709, 2020) and range (limited, full) are those that the picture states. Chroma
    is interpolated as the ffmpeg program does it, so that the pixels are the same.
    """

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._turn: tuple[int, int, int, int] | None = None
        self._first = True

    def frame(self, picture: av.VideoFrame) -> Frame:
        """Return a picture as a frame uint8 [H, W, 3] in BGR, upright.

        Raises:
            BadVideoError: the picture's format cannot be converted.
        """
        try:
            converted = self._reformatter.reformat(
                _whole(picture), format="bgr24", interpolation=Interpolation.BICUBIC, threads=1
            )
        except (av.FFmpegError, ValueError) as error:
            kind = f"{picture.format.name} and colour matrix {int(picture.colorspace)}"
            msg = f"pixels of the format {kind} (ITU-T H.273) cannot be converted: {error}"
            raise BadVideoError(msg) from None
        if self._first:
            # Asked once: a picture that was asked for its side data lives until Python looks for
            # circles, megabytes long.
            self._turn, self._first = _turn_of(picture), False
        return _upright(_view(converted), self._turn)


def _whole(picture: av.VideoFrame) -> av.VideoFrame:
    """Return a picture that is converted as one, where it is two fields, as ffmpeg does it."""
    if not picture.interlaced_frame:
        return picture
    # A flag of the picture has the two fields converted apart, and cannot be taken off it.
    copy = av.VideoFrame(picture.width, picture.height, picture.format.name)
    copy.colorspace, copy.color_range = picture.colorspace, picture.color_range
    for source, target in zip(picture.planes, copy.planes, strict=True):
        used = min(source.line_size, target.line_size)
        _rows(target)[: source.height, :used] = _rows(source)[: source.height, :used]
    return copy


def _bytes(memory: Any) -> Frame:
    # PyAV's types do not say that its buffers are some.
    return as_frame(np.frombuffer(memory, np.uint8))


def _rows(plane: VideoPlane) -> Frame:
    return _bytes(plane).reshape(-1, plane.line_size)


def _view(picture: av.VideoFrame) -> Frame:
    # Without a copy: the array keeps the picture's memory. Rows may be padded.
    rows = _rows(picture.planes[0])
    return rows[: picture.height, : 3 * picture.width].reshape(picture.height, picture.width, 3)


def _turn_of(picture: av.VideoFrame) -> tuple[int, int, int, int] | None:
    """Return (a, b, c, d) of a picture's display matrix; None where it has none.

    A point (x, y) is shown at (a x + c y, b x + d y), in the 16.16 fixed point of ISO 14496-12.
    """
    matrix = picture.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return None
    a, b, _, c, d = _bytes(matrix).view(np.int32)[:5].tolist()
    return a, b, c, d


def _upright(frame: Frame, turn: tuple[int, int, int, int] | None) -> Frame:
    if turn is None:
        return frame
    a, b, c, d = turn
    # A matrix of zeros turns nothing, as for the ffmpeg program.
    if a == d == 0 and b and c:
        return _flipped(as_frame(cv2.transpose(frame)), left_right=c < 0, up_down=b < 0)
    if b == c == 0:
        return _flipped(frame, left_right=a < 0, up_down=d < 0)
    # No camera turns by other angles.
    return frame


def _flipped(frame: Frame, *, left_right: bool, up_down: bool) -> Frame:
    if left_right and up_down:
        return as_frame(cv2.flip(frame, -1))
    if left_right or up_down:
        return as_frame(cv2.flip(frame, 1 if left_right else 0))
    return frame
