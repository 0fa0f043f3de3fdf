"""Decoded pictures to frames: FFmpeg's colour conversion, then the turn that the file asks for."""

from __future__ import annotations

import functools
from typing import Any

import av
import cv2
import numpy as np
from av.video.plane import VideoPlane
from av.video.reformatter import Interpolation, VideoReformatter

from vcc.data.clips.resizing import Frame, as_frame
from vcc.data.decoding.errors import BadVideoError

# FFmpeg 8 takes their bytes for those of the little-endian forms.
_MISREAD = frozenset({"rgb565be", "rgb555be", "bgr565be", "bgr555be"})

# Of these with even height, FFmpeg repeats the chroma, wherever its samples lie.
_REPEATED = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuva420p"})

# By degrees against the clock.
_TURNS = {90: (0, -1, 1, 0), 180: (-1, 0, 0, -1), 270: (0, 1, -1, 0)}


class Pixels:
    """Makes frames of one video's pictures; keeps the converter, which is costly to set up.

    Matrix (BT.601, 709, 2020) and range (limited, full) are those that the picture states. Chroma
    counts as lying amid its pixels and is interpolated as the ffmpeg program does it, so that the
    pixels are the same, and those of 8 and of 10 bits alike.
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
            converted = self._converted(picture)
        except (av.FFmpegError, ValueError) as error:
            kind = f"{picture.format.name} and colour matrix {int(picture.colorspace)}"
            msg = f"pixels of the format {kind} (ITU-T H.273) cannot be converted: {error}"
            raise BadVideoError(msg) from None
        if self._first:
            # Asked once: a picture that was asked for its side data lives until Python looks for
            # circles, megabytes long.
            self._turn, self._first = _turn_of(picture), False
        return _upright(_view(converted), self._turn)

    def _converted(self, picture: av.VideoFrame) -> av.VideoFrame:
        plain = _bare(picture) if picture.interlaced_frame or _is_sited(picture) else picture
        if plain.format.name in _MISREAD:
            plain = _with_swapped_bytes(plain)
        return self._reformatter.reformat(
            plain, format="bgr24", interpolation=Interpolation.BICUBIC, threads=1
        )


def _is_sited(picture: av.VideoFrame) -> bool:
    """Return whether the place of chroma that a picture states would count in its conversion."""
    name = picture.format.name
    return _has_fewer_chroma(name) and not (name in _REPEATED and picture.height % 2 == 0)


@functools.cache
def _has_fewer_chroma(name: str) -> bool:
    form = av.VideoFormat(name, 16, 16)
    return form.chroma_width() < form.width or form.chroma_height() < form.height


def _bare(picture: av.VideoFrame) -> av.VideoFrame:
    """Return a picture's pixels with nothing said of fields or of the place of chroma.

    A picture of two fields has them converted apart; H.264 and H.265 mostly state that chroma lies
    to the left. The ffmpeg program goes by neither, and neither can be taken off a picture.
    """
    copy = av.VideoFrame(picture.width, picture.height, picture.format.name)
    copy.colorspace, copy.color_range = picture.colorspace, picture.color_range
    for source, target in zip(picture.planes, copy.planes, strict=True):
        used = min(source.line_size, target.line_size)
        _rows(target)[: source.height, :used] = _rows(source)[: source.height, :used]
    return copy


def _with_swapped_bytes(picture: av.VideoFrame) -> av.VideoFrame:
    """Return a big-endian picture of one plane as a little-endian one."""
    name = picture.format.name.removesuffix("be") + "le"
    swapped = av.VideoFrame(picture.width, picture.height, name)
    source, target = (_rows(each.planes[0]).view(np.uint16) for each in (picture, swapped))
    used = picture.width
    target[: picture.height, :used] = source[: picture.height, :used].byteswap()
    return swapped


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
    try:
        matrix = picture.side_data.get("DISPLAYMATRIX")
    except ValueError:
        # PyAV knows no name for some other data at the picture, such as Exif or the number of the
        # eye in a stereo recording. Where the picture is mirrored, that is lost.
        return _TURNS.get(picture.rotation % 360)
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
