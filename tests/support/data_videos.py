"""Small videos for tests of the data area, written without loss so that pixels can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vcc.config.data import PrepareOptions
from vcc.data.prepare.run import prepare
from vcc.data.store.prepared import PreparedDataset

Video = NDArray[np.uint8]


def smooth_frames(count: int, *, height: int = 36, width: int = 48, seed: int = 0) -> Video:
    """Return RGB frames [count, height, width, 3] of smooth colour that differ from each other."""
    rng = np.random.default_rng((seed, count))
    small = rng.integers(0, 256, (count, 4, 5, 3)).astype(np.uint8)
    return np.stack([cv2.resize(frame, (width, height)) for frame in small])


def write_video(path: Path, frames: Video, *, codec: str = "FFV1", fps: float = 25.0) -> Path:
    """Write RGB frames; FFV1 (avi, mkv) keeps every pixel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = (frames.shape[2], frames.shape[1])
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), fps, size)
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def write_tree(
    root: Path,
    *,
    labels: Sequence[str] = ("run", "walk"),
    groups: Sequence[int] = (1, 8, 9, 10),
    clips: int = 1,
    frames: int = 6,
) -> dict[str, Video]:
    """Write `CLASS/v_CLASS_gGG_cCC.avi` and return each video's frames by its id."""
    videos: dict[str, Video] = {}
    for label in labels:
        for group in groups:
            for clip in range(1, clips + 1):
                name = f"v_{label}_g{group:02d}_c{clip:02d}"
                content = smooth_frames(frames + clip, seed=len(videos))
                videos[name] = content
                write_video(root / label / f"{name}.avi", content)
    return videos


def prepare_tree(root: Path, **options: object) -> PreparedDataset:
    """Prepare `root/videos` into `root/data` in this process and open the result."""
    defaults: dict[str, object] = {
        "videos": root / "videos",
        "output": root / "data",
        "n_jobs": 1,
        "dev_share": 0.3,
    }
    report = prepare(PrepareOptions(**{**defaults, **options}))
    return PreparedDataset.open(report.root)


def tree_bytes(root: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder by its relative path."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
