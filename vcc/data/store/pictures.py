"""Pictures of a prepared data set, to be looked at before training on it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vcc.data.clips.resizing import resize
from vcc.data.store.frames import Frames
from vcc.data.store.prepared import SUBSETS, PreparedDataset, VideoRecord
from vcc.figure_text import save_picture

_ROW_INCHES = 0.8
_TILE_HEIGHT = 64
_TILE_WIDTH = 86


def contact_sheet(dataset: PreparedDataset, path: Path, *, frames_per_class: int = 8) -> Path:
    """Write a PNG with one strip per class: frames spread over the class's first video.

    Args:
        dataset: prepared data.
        path: PNG file to write.
        frames_per_class: frames in a strip.
    """
    first: dict[int, VideoRecord] = {}
    for video in dataset.manifest.videos:
        first.setdefault(video.label, video)
    rows = len(dataset.labels)
    figure = Figure(figsize=(2 + frames_per_class * 1.1, 0.5 + rows * _ROW_INCHES))
    for number, (label, video) in enumerate(sorted(first.items()), start=1):
        axes = figure.add_subplot(rows, 1, number)
        axes.imshow(_strip(dataset, video, frames_per_class))
        _name_row(axes, dataset.labels[label])
    save_picture(figure, path, dpi=80, bbox_inches="tight")
    return path


def _strip(dataset: PreparedDataset, video: VideoRecord, count: int) -> Frames:
    indices = np.linspace(0, video.n_frames - 1, count).round().astype(np.int64)
    frames = dataset.frame_list(video, indices)
    return np.concatenate([resize(frame, _TILE_HEIGHT, _TILE_WIDTH) for frame in frames], axis=1)


def _name_row(axes: Axes, label: str) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)


def class_balance(dataset: PreparedDataset, path: Path) -> Path:
    """Write a PNG with the number of train, dev and test videos of every class."""
    counts = {s: Counter(video.label for video in dataset.videos(s)) for s in SUBSETS}
    rows = np.arange(len(dataset.labels))
    figure = Figure(figsize=(7, 1.2 + 0.22 * len(rows)))
    axes = figure.add_subplot()
    left = np.zeros(len(rows), np.int64)
    for subset in SUBSETS:
        width = np.array([counts[subset][label] for label in range(len(rows))])
        axes.barh(rows, width, left=left, label=f"{subset} ({width.sum()})")
        left += width
    axes.set_yticks(rows, dataset.labels, fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("videos")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=7)
    save_picture(figure, path, dpi=80, bbox_inches="tight")
    return path
