"""Small recordings as people have them, written by PyAV for tests of decoding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from data_videos import Video, smooth_frames


def record(
    path: Path,
    frames: Video | None = None,
    *,
    codec: str = "ffv1",
    pixels: str = "yuv420p",
    times: Iterable[int] | None = None,
    options: dict[str, str] | None = None,
    colours: tuple[int, int] = (2, 0),
    rotation: int = 0,
    sound_seconds: float = 0.0,
    container: dict[str, str] | None = None,
) -> Path:
    """Write RGB frames at 25 fps, or at `times` in 1/1000 s; colours are matrix and range."""
    frames = smooth_frames(10) if frames is None else frames
    stamps = list(times) if times is not None else [40 * n for n in range(len(frames))]
    with av.open(str(path), "w", options=container or {}) as media:
        stream = media.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixels
        stream.codec_context.time_base = Fraction(1, 1000 if times is not None else 25)
        stream.codec_context.colorspace, stream.codec_context.color_range = colours
        if rotation:
            stream.set_display_rotation(rotation)
        sound = media.add_stream("pcm_s16le", rate=8000) if sound_seconds else None
        for stamp, frame in zip(stamps, frames, strict=True):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(
                format=pixels, dst_colorspace=colours[0], dst_color_range=colours[1]
            )
            picture.pts = stamp if times is not None else stamp // 40
            picture.time_base = stream.codec_context.time_base
            media.mux(stream.encode(picture))
        media.mux(stream.encode())
        if sound is not None:
            samples = np.zeros((1, int(8000 * sound_seconds)), np.int16)
            audio = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            audio.sample_rate, audio.pts = 8000, 0
            media.mux(sound.encode(audio))
            media.mux(sound.encode())
    return path


def cut(path: Path, share: float) -> Path:
    """Cut a file off after this share of its bytes."""
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    return path


def levels(got: Sequence[np.ndarray], expected: Video) -> int:
    """Return the largest difference of BGR frames from RGB ones, in levels."""
    stacked = np.stack([frame[:, :, ::-1] for frame in got]).astype(int)
    return int(np.abs(stacked - expected).max())
