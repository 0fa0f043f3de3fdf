"""How videos are read, whoever asks: by `prepare`, `predict` and a served model alike."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Settings of decoding.

    Attributes:
        fps: frames per second that a video is resampled to by its time stamps; 0 keeps its frames.
        min_decoded_share: 0..1; a damaged or cut file of which less came is refused.
        max_pixels: height times width of the largest picture that is taken.
    """

    fps: float = 0.0
    min_decoded_share: float = 0.5
    max_pixels: float = math.inf


AS_RECORDED = Reading()
