"""Videos as arrays, decoded and scaled as `prepare` would store them."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vcc.data.decoding.source import open_source, shrunk_frames


def read_video(path: str | Path, short_side: int, *, max_frames: int = 0) -> NDArray[np.uint8]:
    """Return a video's frames uint8 [F, H, W, 3] in RGB.

    Args:
        path: a video file or a folder of JPEG frames.
        short_side: shorter side of the result, pixels; frames are never enlarged.
        max_frames: stop after this many; 0 reads them all.

    Raises:
        BadVideoError: the file is missing or is not a readable video.
    """
    frames = shrunk_frames(open_source(Path(path)), short_side)
    rgb = [cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) for frame in islice(frames, max_frames or None)]
    return np.stack(rgb).astype(np.uint8, copy=False)
