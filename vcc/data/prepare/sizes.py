"""How large a store is going to be, and so which kind of store to write."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2

from vcc.config.data import PrepareOptions
from vcc.data.clips.resizing import resize, shrunk_size
from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.source import open_source
from vcc.data.prepare.plan import PlannedVideo
from vcc.errors import DataError

logger = logging.getLogger(__name__)

_PROBED_VIDEOS = 32


def choose_store(options: PrepareOptions, videos: Sequence[PlannedVideo], output: Path) -> str:
    """Return the kind of store to write, after logging how large each would be.

    Raises:
        DataError: the disk has less room than even the smallest choice needs.
    """
    raw, packed = estimate_sizes(options, [video.path for video in videos])
    free = shutil.disk_usage(output).free
    kind = options.store
    if kind == "auto":
        kind = "raw" if raw <= min(options.raw_limit_gib * 2**30, free / 4) else "packed"
    needed = raw if kind == "raw" else packed
    logger.info(
        "estimated store of %d videos: raw %.2f GiB, packed %.2f GiB; %.1f GiB free; writing %s",
        len(videos), raw / 2**30, packed / 2**30, free / 2**30, kind,
    )  # fmt: skip
    if needed > free:
        msg = (
            f"{output}: store={kind} needs about {needed / 2**30:.1f} GiB, {free / 2**30:.1f} GiB "
            "are free; choose store=packed, a smaller short_side or another output"
        )
        raise DataError(msg)
    return kind


def estimate_sizes(options: PrepareOptions, paths: Sequence[Path]) -> tuple[float, float]:
    """Return the estimated bytes of a raw and of a packed store.

    From the declared length and first frame of up to 32 videos spread over the list, scaled by the
    size of the files.
    """
    probed_bytes = raw = packed = 0.0
    step = max(1, len(paths) // _PROBED_VIDEOS)
    for path in paths[::step]:
        try:
            source = open_source(path)
            frame = next(iter(source.frames()))
        except (BadVideoError, StopIteration, cv2.error, OSError):
            continue
        frame = resize(frame, *shrunk_size(frame, options.short_side))
        count = max(1, source.declared)
        quality = [cv2.IMWRITE_JPEG_QUALITY, options.jpeg_quality]
        raw += count * frame.nbytes
        packed += count * (cv2.imencode(".jpg", frame, quality)[1].nbytes + 8)
        probed_bytes += _size(path)
    if not probed_bytes:
        return 0.0, 0.0
    scale = sum(map(_size, paths)) / probed_bytes
    return raw * scale, packed * scale


def _size(path: Path) -> int:
    try:
        if path.is_dir():
            return sum(item.stat().st_size for item in path.glob("image_*.jpg"))
        return path.stat().st_size
    except OSError:
        return 0
