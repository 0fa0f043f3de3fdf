"""A small prepared data set and batches of its clips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from data_videos import prepare_tree, write_tree

from vcc.config.data import ClipOptions
from vcc.data.store.prepared import PreparedDataset


def clip_dataset(root: Path) -> PreparedDataset:
    """Return 24 short videos of two classes, prepared below a folder."""
    write_tree(root / "videos", groups=(1, 2, 8, 9, 10, 11), clips=2, frames=9)
    return prepare_tree(root, store="packed")


def options(**changes: Any) -> ClipOptions:
    """Return options of small clips in this process."""
    values: dict[str, Any] = {
        "sample_size": 24,
        "sample_duration": 4,
        "batch_size": 5,
        "n_threads": 0,
        "train_crop": "corner",
        "brightness": 0.3,
    }
    return ClipOptions(**{**values, **changes})


def equal(a: list[Any], b: list[Any]) -> bool:
    """Return whether batches are the same, tensor by tensor."""
    pairs = zip(a, b, strict=False)
    return len(a) == len(b) and all(
        torch.equal(x, y) for one, other in pairs for x, y in zip(one, other, strict=True)
    )
