"""How fast clips come out of the frame store, against a plain PIL loader on JPEG files.

    python -m benchmarks.data_loader [--seconds 20]

Makes 320x240 videos of 180 frames in a temporary folder and measures, on one thread, in turns and
in processor time (so that what else runs on the machine counts for little), the time from videos'
records to a batch of clips uint8 [16, 3, 16, 112, 112] that could be handed to the device, with
multi-scale corner crop and flip:

- pil: one JPEG file per frame, opened, cropped and resized by PIL, frame by frame;
- packed and raw: this project's stores.

Then the rate of `prepare`'s worker against decoding and writing every frame as a JPEG file.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.videos import HEIGHT, WIDTH, write_video
from vcc.config.data import CROP_POSITIONS, ClipOptions, PrepareOptions
from vcc.data.convert import ConvertJob, convert
from vcc.data.decoding.video_file import VideoFile
from vcc.data.prepare import prepare
from vcc.data.prepared import PreparedDataset
from vcc.data.spatial import corner_box, crop_scales
from vcc.data.temporal import random_window
from vcc.data.train_clips import TrainClips

Frames = NDArray[np.uint8]

VIDEOS = 8
FRAMES = 180
BATCH = 16
OPTIONS = ClipOptions(train_crop="corner", n_threads=0)
TARGETS = {"packed": 6.0, "raw": 30.0, "prepare packed": 2.0, "prepare raw": 2.0}


def write_videos(root: Path) -> list[Path]:
    """Write the videos, in two classes."""
    return [
        write_video(
            root / f"class{number % 2}" / f"v_class{number % 2}_g{8 + number:02d}_c01.avi",
            number,
            frames=FRAMES,
        )
        for number in range(VIDEOS)
    ]


def write_jpeg_files(video: Path, folder: Path) -> None:
    """Decode a video and write every frame as a JPEG file, as the thesis prepared its data."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(VideoFile(video).frames(), start=1):
        cv2.imwrite(str(folder / f"image_{number:05d}.jpg"), frame)


class PilLoader:
    """The usual loader: PIL, frame by frame, on full-size JPEG files."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders
        self._scales = crop_scales(OPTIONS)

    def __call__(self, batch: int) -> torch.Tensor:
        return torch.stack([self._clip(batch * BATCH + place) for place in range(BATCH)])

    def _clip(self, number: int) -> torch.Tensor:
        rng = np.random.default_rng(number)
        size = OPTIONS.sample_size
        folder = self._folders[number % len(self._folders)]
        window = random_window(FRAMES, rng, size=OPTIONS.sample_duration)
        share = self._scales[int(rng.integers(len(self._scales)))]
        position = CROP_POSITIONS[int(rng.integers(len(CROP_POSITIONS)))]
        box = corner_box(HEIGHT, WIDTH, share=share, position=position)
        edges = (box.left, box.top, box.left + box.side, box.top + box.side)
        flip = rng.random() < 0.5
        frames = []
        for index in window:
            with Image.open(folder / f"image_{index + 1:05d}.jpg") as file:
                image = file.convert("RGB").crop(edges)
            image = image.resize((size, size), Image.Resampling.BILINEAR)
            if flip:
                image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            frames.append(torch.from_numpy(np.array(image)))
        return torch.stack(frames).permute(3, 0, 1, 2).contiguous()


class StoreLoader:
    """This project's loader."""

    def __init__(self, dataset: PreparedDataset) -> None:
        self._clips = TrainClips(dataset, OPTIONS)

    def __call__(self, batch: int) -> torch.Tensor:
        numbers = range(batch * BATCH, (batch + 1) * BATCH)
        return self._clips.__getitems__([(n, n % len(self._clips)) for n in numbers]).clips


def in_turns(
    jobs: dict[str, Callable[[int], object]], *, seconds: float, calls: int
) -> dict[str, float]:
    """Return the median processor seconds per call of each job; rounds of calls alternate."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    started, number = time.perf_counter(), 0
    while time.perf_counter() - started < seconds or number < 3 * calls:
        for name, job in jobs.items():
            begin = time.process_time()
            for call in range(number, number + calls):
                job(call)
            times[name].append((time.process_time() - begin) / calls)
        number += calls
    return {name: statistics.median(values) for name, values in times.items()}


def loader_seconds(root: Path, videos: list[Path], seconds: float) -> dict[str, float]:
    """Return seconds per clip of the PIL loader and of both stores."""
    folders = [root / "jpeg" / video.stem for video in videos]
    for video, folder in zip(videos, folders, strict=True):
        write_jpeg_files(video, folder)
    jobs: dict[str, Callable[[int], object]] = {"pil": PilLoader(folders)}
    for store in ("packed", "raw"):
        report = prepare(
            PrepareOptions(
                videos=root / "videos", output=root / store, store=store, n_jobs=1, dev_share=0.0
            )
        )
        jobs[store] = StoreLoader(PreparedDataset.open(report.root))
    times = in_turns(jobs, seconds=seconds, calls=4)
    return {name: value / BATCH for name, value in times.items()}


def prepare_seconds(root: Path, videos: list[Path], seconds: float) -> dict[str, float]:
    """Return seconds per video of writing JPEG files and of prepare's worker."""

    def store(kind: str) -> Callable[[int], object]:
        def run(call: int) -> object:
            target = root / "rate" / kind / f"{call}.vcf"
            result = convert(
                ConvertJob(
                    number=0,
                    source=videos[call % VIDEOS],
                    target=target,
                    kind=kind,
                    short_side=128,
                    jpeg_quality=90,
                )
            )
            target.unlink()
            return result

        return run

    def files(call: int) -> None:
        write_jpeg_files(videos[call % VIDEOS], root / "rate" / "jpeg")

    jobs: dict[str, Callable[[int], object]] = {"prepare files": files}
    jobs |= {f"prepare {kind}": store(kind) for kind in ("packed", "raw")}
    return in_turns(jobs, seconds=seconds, calls=2)


def report_lines(times: dict[str, float], baseline: str, unit: str) -> list[str]:
    """Return a line per job with its time and its ratio to the baseline."""
    lines = []
    for name, value in times.items():
        ratio = times[baseline] / value
        line = f"{name:15s} {value * 1e3:8.3f} ms/{unit}"
        if name in TARGETS:
            verdict = "reached" if ratio >= TARGETS[name] else "MISSED"
            line += f"  {ratio:5.1f}x {baseline} (target {TARGETS[name]:g}x: {verdict})"
        lines.append(line)
    return lines


def main() -> None:
    """Run both benchmarks and write their tables to standard output."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_loader", allow_abbrev=False)
    parser.add_argument("--seconds", type=float, default=20.0, help="per benchmark")
    seconds = parser.parse_args().seconds
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        videos = write_videos(root / "videos")
        lines = report_lines(loader_seconds(root, videos, seconds), "pil", "clip")
        lines += report_lines(prepare_seconds(root, videos, seconds), "prepare files", "video")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
