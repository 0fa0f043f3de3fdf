"""What a file is that is no video, by its first bytes: for one clear line to its owner."""

from __future__ import annotations

import re

_PAGE = "is a web page, no video: what was downloaded is an answer of the server"
_ANIMATED = "; make a video of an animated one with `ffmpeg -i FILE FILE.mp4`"

# Right for such streams; not for those whose frames are stored in another order.
_WITH_TIMES = "give it times with `ffmpeg -f mjpeg -r RATE -i FILE -c copy FILE.mkv`"

_BY_START = {
    re.compile(start, re.DOTALL): what
    for start, what in (
        (rb"\x89PNG\r\n\x1a\n", f"is a picture (PNG), no video{_ANIMATED}"),
        (rb"GIF8", f"is a picture (GIF), no video{_ANIMATED}"),
        (rb"\xff\xd8\xff", f"is a picture (JPEG), or a raw stream of them: {_WITH_TIMES}"),
        (rb"RIFF....WEBP", "is a picture (WebP), no video"),
        (rb"BM....\x00{4}", "is a picture (BMP), no video"),
        (rb"II\*\x00|MM\x00\*", "is a picture (TIFF), no video"),
        (rb"\x00\x00\x00\x0cJXL ", "is a picture (JPEG XL), no video"),
        (rb"\x00\x00\x00\x0cjP  ", "is a picture (JPEG 2000), no video"),
        (rb"....ftyp", "is a picture (HEIF or AVIF), no video"),
        (rb"RIFF....WAVE", "is sound (WAV), no video"),
        (rb"ID3|\xff\xfb", "is sound (MP3), no video"),
        (rb"fLaC", "is sound (FLAC), no video"),
        (rb"PK\x03\x04", "is an archive (ZIP), no video; unpack it"),
        (rb"\x1f\x8b", "is an archive (gzip), no video; unpack it"),
        (rb"(?i:<!DOCTYPE|<html)", _PAGE),
        (rb"version https://git-lfs", "is a pointer of Git LFS; `git lfs pull` gets the video"),
    )
}


def why_no_video(head: bytes) -> str:
    """Return in a few words what a file is that begins so; empty where that is not known.

    Args:
        head: the first bytes of a file that begins as no container of videos.
    """
    return next((what for start, what in _BY_START.items() if start.match(head)), "")
