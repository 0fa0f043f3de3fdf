"""Which container a video's bytes are, by their first bytes.

FFmpeg also opens play lists and other text that make it read further files or addresses. A video
from outside is opened only when it begins as one of the containers below.
"""

from __future__ import annotations

HEAD_BYTES = 16

_MPEG_STARTS = (b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3")
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


def container_suffix(head: bytes) -> str | None:
    """Return the file suffix of the container that begins so, None when it is none we know.

    Args:
        head: at least the first 16 bytes of the file.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return ".avi"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return ".mkv"
    if head[4:8] in _MP4_BOXES:
        return ".mp4"
    return ".mpg" if head[:4] in _MPEG_STARTS else None
