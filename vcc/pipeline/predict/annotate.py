"""A video again, with what the network says of each moment written on it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from vcc.data.clips.resizing import Frame
from vcc.data.decoding.writer import writing_video
from vcc.files import replacing
from vcc.tracking.video_classifier import Timeline

_FONT = cv2.FONT_HERSHEY_SIMPLEX
# Of the frame's height.
_BAR_SHARE = 0.09
_LEAST_BAR = 14
_WHITE = (255, 255, 255)


def annotated_file(folder: Path, name: str) -> Path:
    """Return where a video of a name goes; other endings are other videos."""
    return folder / f"{name}.mp4"


def annotate(frames: Iterable[Frame], timeline: Timeline, path: Path) -> Path:
    """Write frames with the best label of their clip and its score in a bar at the top.

    Args:
        frames: uint8 [H, W, 3] in BGR, those that the timeline is of.
        timeline: of the video.
        path: MP4 file; its folder is made. Without sound.

    Raises:
        DataError: it cannot be written.
    """
    captions = [_caption(timeline, index) for index in range(len(timeline.scores))]
    with replacing(path) as partial, writing_video(partial, fps=timeline.fps) as writer:
        for number, frame in enumerate(frames):
            clip = min(number // timeline.window, len(captions) - 1)
            writer.write(drawn(frame, captions[clip]))
    return path


def drawn(frame: Frame, caption: str) -> Frame:
    """Return a copy of a frame with a caption in a dark bar at the top; ASCII alone is drawn."""
    picture = frame.copy()
    height, width = picture.shape[:2]
    bar = min(height, max(_LEAST_BAR, round(_BAR_SHARE * height)))
    picture[:bar] = (picture[:bar] * 0.3).astype(np.uint8)
    text = caption.encode("ascii", "replace").decode()
    (wide, tall), _ = cv2.getTextSize(text, _FONT, 1.0, 1)
    scale = min(0.6 * bar / max(1, tall), (width - 4) / max(1, wide))
    baseline = round((bar + scale * tall) / 2)
    cv2.putText(picture, text, (2, baseline), _FONT, scale, _WHITE, 1, cv2.LINE_AA)
    return picture


def _caption(timeline: Timeline, index: int) -> str:
    ((label, score),) = timeline.best(index, 1)
    return f"{label} {score:.0%}"
