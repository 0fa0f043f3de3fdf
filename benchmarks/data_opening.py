"""How long it takes to open a prepared data set of UCF101's 13,320 videos, and what it holds.

    python -m benchmarks.data_opening

The manifest is made up, with as many classes, groups and videos. Opening means reading it, checking
its digest and sorting the videos by subset. Memory is what Python allocated at the most.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

from vcc.data.store.manifest import FRAMES_NAME, Manifest, VideoRecord, write_manifest
from vcc.data.store.prepared import PreparedDataset

ROUNDS = 7
MOST_SECONDS, MOST_MIB = 2.0, 100.0


def ucf101_sized_manifest() -> Manifest:
    """Return the manifest of a data set with as many classes, groups and videos as UCF101."""
    records = tuple(
        VideoRecord(
            id=f"v_Class{label}_g{group:02d}_c{clip:02d}",
            label=label,
            label_name=f"Class{label}",
            group=f"Class{label}_g{group:02d}",
            subset="test" if group < 8 else "train",
            n_frames=186,
            fps=25.0,
            height=128,
            width=170,
            file=f"{FRAMES_NAME}/Class{label}/v_Class{label}_g{group:02d}_c{clip:02d}.vcf",
            checksum=f"{label:032d}{group:032d}",
        )
        for label in range(101)
        for group in range(1, 26)
        for clip in range(1, 7)
    )[:13320]
    return Manifest(
        name="ucf101",
        split="split1",
        labels=tuple(f"Class{i}" for i in range(101)),
        store="packed",
        short_side=128,
        direction_sensitive=False,
        pixel_mean=(1.0, 2.0, 3.0),
        pixel_std=(1.0, 2.0, 3.0),
        videos=records,
    )


def open_once(root: Path) -> int:
    """Open the data set and return its number of videos."""
    dataset = PreparedDataset.open(root)
    return sum(len(dataset.videos(subset)) for subset in ("train", "dev", "test"))


def main() -> None:
    """Measure and write two lines to standard output."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_manifest(ucf101_sized_manifest(), root)
        seconds = []
        for _ in range(ROUNDS):
            begin = time.process_time()
            videos = open_once(root)
            seconds.append(time.process_time() - begin)
        tracemalloc.start()
        open_once(root)
        mib = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
    median = statistics.median(seconds)
    for value, most, unit in ((median, MOST_SECONDS, "s"), (mib, MOST_MIB, "MiB")):
        verdict = "reached" if value < most else "MISSED"
        sys.stdout.write(
            f"open {videos} videos {value:8.2f} {unit:3s} (under {most:g}: {verdict})\n"
        )


if __name__ == "__main__":
    main()
