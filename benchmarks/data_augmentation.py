"""What each training augmentation costs a clip.

    python -m benchmarks.data_augmentation

Clips of 16 frames of 112 pixels from frames of 128x170, already read, on one thread. Each option is
measured in turns with none at all, in processor time; its cost is the difference of the medians.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

import cv2
import numpy as np
import torch

from vcc.config.data import ClipOptions
from vcc.data.clips.spatial import TrainTransform
from vcc.data.store.frames import Frames

ROUNDS = 40
FRAMES, HEIGHT, WIDTH = 16, 128, 170
OPTIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "train_crop=corner": {"train_crop": "corner"},
    "rotation=10": {"rotation": 10.0},
    "brightness=0.2": {"brightness": 0.2},
    "contrast=0.2": {"contrast": 0.2},
    "saturation=0.2": {"saturation": 0.2},
    "hue=0.1": {"hue": 0.1},
    "random_erasing=1": {"random_erasing": 1.0},
}


def clip_seconds(transform: TrainTransform, frames: Frames, clip: Frames, number: int) -> float:
    """Return the processor seconds of one clip; the same number gives the same draws."""
    rng = np.random.default_rng(number)
    crop = transform.draw(HEIGHT, WIDTH, rng)
    rows = slice(crop.box.top, crop.box.top + crop.box.side)
    columns = slice(crop.box.left, crop.box.left + crop.box.side)
    shown = np.ascontiguousarray(frames[:, rows, columns])
    begin = time.process_time()
    transform.write_clip(shown, clip, rng, flipped=crop.flipped)
    return time.process_time() - begin


def main() -> None:
    """Measure and write a line per option to standard output."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    # RGBX, as the store gives them.
    frames = rng.integers(0, 256, (FRAMES, HEIGHT, WIDTH, 4)).astype(np.uint8)
    chosen = {name: ClipOptions(**values) for name, values in OPTIONS.items()}
    transforms = {name: TrainTransform(options, flip=True) for name, options in chosen.items()}
    size = chosen["none"].sample_size
    clip = np.empty((3, FRAMES, size, size), np.uint8)
    times: dict[str, list[float]] = {name: [] for name in transforms}
    for number in range(ROUNDS):
        for name, transform in transforms.items():
            times[name].append(clip_seconds(transform, frames, clip, number))
    medians = {name: 1e3 * statistics.median(values) for name, values in times.items()}
    for name, value in medians.items():
        more = "" if name == "none" else f"  {value - medians['none']:+7.2f}"
        sys.stdout.write(f"{name:20s} {value:7.2f} ms/clip{more}\n")


if __name__ == "__main__":
    main()
