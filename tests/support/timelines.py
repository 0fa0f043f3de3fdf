"""A timeline of two clips of four frames, made by hand."""

from __future__ import annotations

import numpy as np

from vcc.tracking.video_classifier import Timeline


def toy_timeline() -> Timeline:
    """Return what was said of six frames at 10 a second: walk, then run."""
    return Timeline(
        labels=("run", "=walk"),
        scores=np.array([[0.25, 0.75], [0.875, 0.125]], np.float32),
        bounds=(0.0, 0.4, 0.6),
        fps=10.0,
        window=4,
    )
