"""Videos like UCF101's for the benchmarks: 320x240, MPEG-4, movement and slight noise."""

from __future__ import annotations

from pathlib import Path

import cv2

from vcc.data.motion import MotionSettings, motion_frames

HEIGHT, WIDTH = 240, 320
_CLASSES, _GROUPS = 6, 25


def write_video(path: Path, number: int, *, frames: int) -> Path:
    """Write the video of a number, the same at every call, and return its path.

    Args:
        path: the file; its folder is made.
        number: 0, 1, 2 ...: movement, group and clip follow from it.
        frames: how many.
    """
    settings = MotionSettings(
        n_classes=_CLASSES,
        clips_per_group=1,
        n_groups=_GROUPS,
        n_frames=frames,
        width=WIDTH,
        height=HEIGHT,
        difficulty=0.1,
        seed=1,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    codec = cv2.VideoWriter.fourcc(*"XVID")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, codec, 25.0, (WIDTH, HEIGHT))
    for frame in motion_frames(settings, number % _CLASSES, 1 + number % _GROUPS, 1):
        writer.write(cv2.GaussianBlur(frame, (5, 5), 1.2))
    writer.release()
    return path
