"""Which container a video's bytes are, by their first bytes.

FFmpeg also opens play lists and other text that make it read further files or addresses. A video is
opened only when it begins as one of the containers below, and only by that container's demuxer,
whatever its file is called.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# What may lie before an MXF file, and its first key.
HEAD_BYTES = 2**16 + 14

# Six packets of a transport stream, in its widest form.
_TRANSPORT_BYTES = 6 * 204


@dataclass(frozen=True)
class Container:
    """A container: the suffix of its files, and FFmpeg's name of what reads it."""

    suffix: str
    demuxer: str


_AVI = Container(".avi", "avi")
_MP4 = Container(".mp4", "mov")
_TRANSPORT = Container(".ts", "mpegts")

_BY_START = {
    b"\x1a\x45\xdf\xa3": Container(".mkv", "matroska"),
    b"\x00\x00\x01\xba": Container(".mpg", "mpeg"),
    b"\x00\x00\x01\xb3": Container(".mpg", "mpegvideo"),
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": Container(".wmv", "asf"),
    b"FLV\x01": Container(".flv", "flv"),
    b"OggS": Container(".ogv", "ogg"),
    b"\x1f\x07\x00": Container(".dv", "dv"),
    # The times of their pictures are a constant rate.
    b"YUV4MPEG2 ": Container(".y4m", "yuv4mpegpipe"),
    b"DKIF\x00\x00": Container(".ivf", "ivf"),
}
# Raw streams without a container: a start code, and in a byte or two what the first unit is. H.264
# begins with a delimiter or with parameters of a profile, H.265 with a delimiter or parameters.
_START_CODE = re.compile(rb"\x00?\x00\x00\x01")
_RAW = {
    re.compile(rb"\x09[\x10\x30\x50\x70\x90\xb0\xd0\xf0]|[\x27\x47\x67][BMXdnz\xf4,]"): Container(
        ".h264", "h264"
    ),
    re.compile(rb"[\x40\x42\x46]\x01"): Container(".h265", "hevc"),
}
_AV1 = Container(".obu", "obu")

# What reads streams that hold no times.
RAW_DEMUXERS = frozenset(each.demuxer for each in (*_RAW.values(), _AV1))

# A partition of the header, which up to 64 KiB of other things may lie before.
_MXF_KEY = b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02"
_MXF = Container(".mxf", "mxf")
_MP4_BOXES = (b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"wide", b"free", b"skip", b"pnot")

# Still pictures that come in the same boxes as mp4.
_PICTURES = (
    b"heic",
    b"heix",
    b"heim",
    b"heis",
    b"hevc",
    b"hevx",
    b"mif1",
    b"msf1",
    b"avif",
    b"avis",
)

# Every packet of a transport stream begins so; recorders of discs put a time of 4 bytes before it,
# broadcasters a checksum of 16 behind it.
_SYNC = 0x47
_PACKETS = ((0, 188), (4, 192), (0, 204))
# So many in a row are no accident, wherever a recording was cut; at the very start, fewer.
_IN_A_ROW = 5
_AT_START = 3

# What files are called that are taken for videos.
VIDEO_SUFFIXES = frozenset(
    {
        *(".avi", ".divx", ".mp4", ".m4v", ".mov", ".3gp", ".3g2", ".mkv", ".webm"),
        *(".mpg", ".mpeg", ".vob", ".ts", ".mts", ".m2ts", ".wmv", ".asf", ".flv", ".ogv", ".dv"),
        *(".mxf", ".y4m", ".ivf", ".h264", ".h265", ".obu"),
    }
)

KINDS = "avi, mp4, mov, mkv, webm, mpg, ts, wmv, flv, ogv, dv, mxf, y4m, ivf, h264, h265 or obu"


def container_of(head: bytes) -> Container | None:
    """Return the container that begins so, None when it is none we know.

    Args:
        head: the first `HEAD_BYTES` of the file, or all of a shorter one.
    """
    if head[:4] == b"RIFF" and head[8:11] == b"AVI":
        return _AVI
    if head[4:8] in _MP4_BOXES:
        return None if head[4:8] == b"ftyp" and head[8:12] in _PICTURES else _MP4
    for start, container in _BY_START.items():
        if head.startswith(start):
            return container
    if any(_is_transport(head[:_TRANSPORT_BYTES], *form) for form in _PACKETS):
        return _TRANSPORT
    return _raw_stream(head) or (_MXF if _MXF_KEY in head else None)


def _raw_stream(head: bytes) -> Container | None:
    if head.startswith(b"\x12\x00\x0a"):
        return _AV1
    code = _START_CODE.match(head)
    if code is None:
        return None
    return next((each for form, each in _RAW.items() if form.match(head, code.end())), None)


def container_suffix(head: bytes) -> str | None:
    """Return the suffix of files of the container that begins so, None when it is none we know."""
    container = container_of(head)
    return container.suffix if container else None


def _is_transport(head: bytes, first: int, length: int) -> bool:
    if _in_step(head, first, length, _AT_START):
        return True
    return any(_in_step(head, place, length, _IN_A_ROW) for place in range(length))


def _in_step(head: bytes, first: int, length: int, count: int) -> bool:
    places = range(first, first + count * length, length)
    return len(head) > places[-1] and all(head[place] == _SYNC for place in places)
