"""Memory and imports of prepare's and the loader's processes, measured in their own process."""

from __future__ import annotations

import json
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from commands import run_command
from data_videos import prepare_tree, write_tree
from limits import LONG_HANG_S, LONG_TEST_S

from benchmarks.data_opening import ucf101_sized_manifest
from vcc.data.store.manifest import write_manifest
from vcc.data.store.prepared import PreparedDataset

ROOT = Path(__file__).resolve().parents[3]
MIB = 2**20

CONVERT = """
import json, resource, sys
from pathlib import Path
from vcc.data.prepare.convert import ConvertJob, convert

def private():
    fields = dict(line.split(":") for line in open("/proc/self/status") if ":" in line)
    return int(fields["RssAnon"].split()[0]) * 1024

before, peak = private(), 0
import vcc.data.store.files as store
add = store.ContainerWriter.add
def watched(self, frame):
    global peak
    add(self, frame)
    peak = max(peak, private())
store.ContainerWriter.add = watched
job = ConvertJob(number=0, source=Path(sys.argv[1]), target=Path(sys.argv[2]), kind=sys.argv[3],
                 short_side=128, jpeg_quality=90)
result = convert(job)
print(json.dumps({"grown": peak - before, "frames": result.stored.n_frames,
                  "torch": "torch" in sys.modules}))
"""


def run(code: str, *arguments: object) -> dict[str, Any]:
    done = run_command(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        limit_s=LONG_HANG_S,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def write_long(path: Path, count: int, *, height: int, width: int) -> None:
    rng = np.random.default_rng(0)
    pictures = [
        cv2.resize(rng.integers(0, 256, (18, 32, 3)).astype(np.uint8), (width, height))
        for _ in range(8)
    ]
    writer = cv2.VideoWriter(
        str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 25.0, (width, height)
    )
    for i in range(count):
        writer.write(pictures[i // 25 % 8])
    writer.release()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize("kind", [pytest.param("raw", marks=pytest.mark.slow), "packed"])
def test_a_worker_streams_a_large_video_without_torch(tmp_path: Path, kind: str) -> None:
    write_long(tmp_path / "large.mp4", 150, height=1080, width=1920)
    found = run(CONVERT, tmp_path / "large.mp4", tmp_path / "out.vcf", kind)
    assert found["frames"] == 150
    assert not found["torch"]
    # All frames at once would be 890 MiB.
    assert found["grown"] < 300 * MIB


@pytest.mark.slow
@pytest.mark.timeout(LONG_TEST_S)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_a_worker_streams_an_hour_of_1080p(tmp_path: Path) -> None:
    write_long(tmp_path / "hour.mp4", 90_000, height=1080, width=1920)
    found = run(CONVERT, tmp_path / "hour.mp4", tmp_path / "out.vcf", "packed")
    assert found["frames"] == 90_000
    assert found["grown"] < 300 * MIB


def test_prepare_and_its_options_import_no_torch() -> None:
    code = (
        "import json, sys, vcc.config.data, vcc.data.prepare.run, vcc.data.store.prepared;"
        "print(json.dumps({'torch': 'torch' in sys.modules}))"
    )
    assert run(code) == {"torch": False}
    light = "import json, sys, vcc.config.data; print(json.dumps({'cv2': 'cv2' in sys.modules}))"
    assert run(light) == {"cv2": False}


LOADER = """
import json, sys
from pathlib import Path
import torch
from vcc.config.data import ClipOptions
from vcc.data.clips.train_clips import TrainClips
from vcc.data.store.prepared import PreparedDataset

def private():
    fields = dict(line.split(":") for line in open("/proc/self/status") if ":" in line)
    return int(fields["RssAnon"].split()[0]) * 1024

before = private()
clips = TrainClips(PreparedDataset.open(Path(sys.argv[1])), ClipOptions(sample_size=112))
peak = 0
for epoch in range(8):
    clips.__getitems__([(epoch, video % len(clips)) for video in range(32)])
    peak = max(peak, private())
print(json.dumps({"grown": peak - before}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize("store", [pytest.param("raw", marks=pytest.mark.slow), "packed"])
def test_a_loader_worker_stays_small(tmp_path: Path, store: str) -> None:
    write_tree(tmp_path / "videos", frames=40)
    prepare_tree(tmp_path, store=store)
    # Batches of 32 clips of 0.6 MB are 19 MB of it.
    assert run(LOADER, tmp_path / "data")["grown"] < 200 * MIB


@pytest.mark.slow
def test_opening_ucf101_is_small(tmp_path: Path) -> None:
    manifest = ucf101_sized_manifest()
    write_manifest(manifest, tmp_path)
    tracemalloc.start()
    dataset = PreparedDataset.open(tmp_path)
    assert len(dataset.videos("train")) + len(dataset.videos("test")) == 13320
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # How long it takes is measured by `python -m benchmarks.data_opening`.
    assert peak < 100 * MIB
    assert dataset.digest == manifest.digest
