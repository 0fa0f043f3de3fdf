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
from vcc.data.spatial import TrainTransform

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


def clip_seconds(options: ClipOptions, frames: np.ndarray[Any, Any], number: int) -> float:
    """Return the processor seconds of one clip; the same number gives the same draws."""
    transform = TrainTransform(options, flip=True)
    clip = np.empty((3, FRAMES, options.sample_size, options.sample_size), np.uint8)
    rng = np.random.default_rng(number)
    begin = time.process_time()
    crop = transform.draw(HEIGHT, WIDTH, rng)
    rows = frames[:, crop.box.top : crop.box.top + crop.box.side]
    transform.write_clip(rows, crop, clip, rng)
    return time.process_time() - begin


def main() -> None:
    """Measure and write a line per option to standard output."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3)).astype(np.uint8)
    chosen = {name: ClipOptions(**values) for name, values in OPTIONS.items()}
    times: dict[str, list[float]] = {name: [] for name in chosen}
    for number in range(ROUNDS):
        for name, options in chosen.items():
            times[name].append(clip_seconds(options, frames, number))
    medians = {name: 1e3 * statistics.median(values) for name, values in times.items()}
    for name, value in medians.items():
        more = "" if name == "none" else f"  {value - medians['none']:+7.2f}"
        sys.stdout.write(f"{name:20s} {value:7.2f} ms/clip{more}\n")


if __name__ == "__main__":
    main()
