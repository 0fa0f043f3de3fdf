"""What a run of prepare did, for people and for files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vcc.data.prepare.discovery import BadFile
from vcc.data.store.manifest import Manifest, count_by
from vcc.files import write_whole

REPORT_NAME = "prepare_report.json"
_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class PrepareReport:
    """Counts, bad files with reasons, and speed of one run of prepare.

    `hours` is playing time; `rate` is stored frames per second of this run; `reused` counts videos
    that were already in the store; `notes` are remarks that are no errors.
    """

    root: Path
    name: str
    split: str
    store: str
    classes: int
    train: int
    dev: int
    test: int
    frames: int
    hours: float
    size_bytes: int
    reused: int
    bad: tuple[BadFile, ...]
    notes: tuple[str, ...]
    seconds: float
    digest: str

    @property
    def videos(self) -> int:
        return self.train + self.dev + self.test

    @property
    def rate(self) -> float:
        return self.frames / self.seconds if self.seconds > 0 else 0.0

    def lines(self) -> list[str]:
        """Return the report as text, at most 20 bad files in full."""
        lines = [
            f"{self.name} ({self.split}): {self.videos} videos of {self.classes} classes "
            f"in {self.root}",
            f"training {self.train}, dev {self.dev}, test {self.test}; "
            f"{self.frames} frames, {self.hours:.2f} hours",
            f"store {self.store}, {self.size_bytes / 2**20:.1f} MiB; "
            f"{self.reused} videos were already there",
            f"{self.seconds:.1f} s, {self.rate:.0f} frames/s",
            f"bad files: {len(self.bad)}",
            *(f"  {bad.name!r}: {bad.reason}" for bad in self.bad[:_SHOWN]),
        ]
        if len(self.bad) > _SHOWN:
            lines.append(f"  and {len(self.bad) - _SHOWN} more, all in {REPORT_NAME}")
        lines += [f"note: {note}" for note in self.notes]
        lines.append(f"digest {self.digest}")
        return lines

    def write(self) -> Path:
        """Write the report as JSON beside the manifest."""
        content = {**asdict(self), "root": str(self.root), "rate": self.rate}
        path = self.root / REPORT_NAME
        write_whole(path, json.dumps(content, indent=1) + "\n")
        return path


def manifest_facts(manifest: Manifest) -> dict[str, Any]:
    """Return the fields of a `PrepareReport` that the manifest of the data set has."""
    videos = manifest.videos
    return {
        "name": manifest.name,
        "split": manifest.split,
        "store": manifest.store,
        "classes": len(manifest.labels),
        "train": count_by(videos, "train"),
        "dev": count_by(videos, "dev"),
        "test": count_by(videos, "test"),
        "frames": sum(video.n_frames for video in videos),
        "hours": sum(video.n_frames / (video.fps or 25.0) for video in videos) / 3600,
        "digest": manifest.digest,
    }
