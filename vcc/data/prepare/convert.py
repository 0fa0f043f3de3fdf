"""One video to one file of the frame store: what each worker process of `prepare` runs.

Imports no torch: a worker's memory is its decoder and one frame.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vcc.data.clips.resizing import Frame
from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.reading import AS_RECORDED, Reading
from vcc.data.decoding.source import open_source, shrunk_frames
from vcc.data.prepare.alike import Look
from vcc.data.store.files import StoredVideo, open_writer, read_description
from vcc.errors import one_line

# Mean and standard deviation are estimated from every n-th frame: neighbours hardly differ.
_STATISTICS_EVERY = 8

# Frames of another decoder are others: what OpenCV stored of interlaced videos was no picture.
_DECODER = "av"


@dataclass(frozen=True, kw_only=True)
class ConvertJob:
    """One video to convert; `number` is its place in the list of jobs."""

    number: int
    source: Path
    target: Path
    kind: str
    short_side: int
    jpeg_quality: int
    reading: Reading = AS_RECORDED


@dataclass(frozen=True, kw_only=True)
class ConvertResult:
    """The outcome of a job: a stored video, or the reason why there is none."""

    number: int
    stored: StoredVideo | None
    reason: str = ""
    reused: bool = False


class PixelSums:
    """Running sums per RGB channel over sampled frames."""

    def __init__(self) -> None:
        self.count = 0
        self.total: NDArray[np.float64] = np.zeros(3)
        self.squares: NDArray[np.float64] = np.zeros(3)

    def add(self, frame: Frame) -> None:
        """Add a frame in BGR."""
        pixels = frame.shape[0] * frame.shape[1]
        mean, deviation = (value.ravel()[::-1] for value in cv2.meanStdDev(frame))
        self.count += pixels
        self.total += mean * pixels
        self.squares += (deviation**2 + mean**2) * pixels


def convert(job: ConvertJob) -> ConvertResult:
    """Convert a video unless its target is already there, made from the same source and settings.

    Never raises for what is wrong with the video itself: that is the result's `reason`.
    """
    try:
        key = source_key(job)
        stored = read_description(job.target)
        if stored is not None and stored.source_key == key:
            return ConvertResult(number=job.number, stored=stored, reused=True)
        return ConvertResult(number=job.number, stored=_write(job, key))
    except BadVideoError as error:
        return ConvertResult(number=job.number, stored=None, reason=str(error))
    except cv2.error as error:
        reason = f"cannot be decoded: {one_line(error.err or error)}"
        return ConvertResult(number=job.number, stored=None, reason=reason)
    except (FileNotFoundError, PermissionError) as error:
        reason = f"cannot be read: {error.strerror}"
        return ConvertResult(number=job.number, stored=None, reason=reason)


def source_key(job: ConvertJob) -> str:
    """Return a text that changes when the source file or a setting of the store changes."""
    status = job.source.stat()
    quality = 0 if job.kind == "raw" else job.jpeg_quality
    reading = f"{job.reading.fps:g}:{job.reading.min_decoded_share:g}"
    return (
        f"{status.st_size}:{status.st_mtime_ns}:{job.kind}:{job.short_side}:{quality}:"
        f"{reading}:{_DECODER}"
    )


def source_digest(path: Path) -> str:
    """Return the SHA-256 of a video file, or of a folder of frames: their names and contents."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    whole = hashlib.sha256()
    for image in sorted(path.iterdir()):
        if image.is_file():
            whole.update(f"{image.name} {source_digest(image)}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()


def _write(job: ConvertJob, key: str) -> StoredVideo:
    source = open_source(job.source, job.reading)
    frames = shrunk_frames(source, job.short_side)
    writer = open_writer(job.target, job.kind, job.jpeg_quality)
    try:
        sums, look = PixelSums(), Look()
        height, width, count = 0, 0, 0
        for frame in frames:
            height, width = frame.shape[:2]
            if count % _STATISTICS_EVERY == 0:
                sums.add(frame)
                look.add(frame)
            writer.add(frame)
            count += 1
        stored = StoredVideo(
            kind=job.kind,
            n_frames=count,
            fps=source.fps,
            height=height,
            width=width,
            checksum=writer.close_frames(),
            pixel_count=sums.count,
            pixel_sum=tuple(map(float, sums.total)),
            pixel_square_sum=tuple(map(float, sums.squares)),
            source_key=key,
            source_height=source.height,
            source_width=source.width,
            source_sha256=source_digest(job.source),
            declared_frames=source.declared,
            cut=source.cut,
            variable_rate=source.variable_rate,
            look=look.text(),
        )
        writer.finish(stored)
    except BaseException:
        writer.discard()
        raise
    return stored
