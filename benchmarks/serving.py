"""How the served model bears many requests at once: `mlflow models serve` on a real port.

    python -m benchmarks.serving [--requests 200] [--distinct 20] [--threads 0]

Serves a ResNet-18 (random weights, 16 x 112 x 112) and sends videos of 320x240 and 64 frames:
first one at a time, then all requests at the same moment, each on a connection of its own. Every
answer is compared with what the same file gives for the same video in this process, so that a
lost or mixed-up one is seen.

Printed: service time of a lone request, requests per second, time to answer, and the resident
memory of the server. Fails when an answer is missing or wrong, or when memory grew by more than
the bodies of all requests and `ALLOWED_MIB`.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import psutil
import torch
from torch import nn

from benchmarks.videos import write_video
from vcc.config.data import ClipOptions
from vcc.config.serving import ServingOptions
from vcc.export.onnx_file import export_onnx
from vcc.models import build_model
from vcc.models.pixels import PixelClassifier
from vcc.tracking.registry import register_video
from vcc.tracking.video_classifier import VideoClassifier

FRAMES = 64
LABELS = tuple("abcdefgh")
CLIP = ClipOptions(sample_size=112, sample_duration=16)
LONE_REQUESTS = 10
TIMEOUT = 600
# What decoding, clips and the runtime's buffers may take beside the bodies that wait.
ALLOWED_MIB = 600.0


@dataclass(frozen=True, kw_only=True)
class Video:
    """A request's body and the answer it must get."""

    body: bytes
    labels: list[str]
    scores: list[float]

    def is_answered_by(self, answer: dict[str, Any]) -> bool:
        """Whether an answer is this video's."""
        (row,) = answer["predictions"]
        return row["labels"] == self.labels and bool(
            np.allclose(row["scores"], self.scores, atol=1e-5)
        )


def export_network(folder: Path) -> Path:
    """Write the network's ONNX file; its head is steep enough that videos get different scores."""
    torch.manual_seed(0)
    network = build_model("resnet", n_classes=len(LABELS), model_depth=18).eval()
    (head,) = [module for module in network.modules() if isinstance(module, nn.Linear)]
    with torch.no_grad():
        head.weight.mul_(4)
    metadata = {
        "labels": list(LABELS),
        "clip": CLIP.as_dict(),
        "stored_frames": {"short_side": 128, "store": "raw"},
    }
    classifier = PixelClassifier(network, mean=(114.8, 107.7, 99.5), std=(58.0, 57.0, 57.0)).eval()
    shape = (3, CLIP.sample_duration, CLIP.sample_size, CLIP.sample_size)
    return export_onnx(
        classifier, folder / "model.onnx", clip_shape=shape, opset=20, metadata=metadata
    )


def write_videos(folder: Path, graph: Path, *, count: int, threads: int) -> list[Video]:
    """Write different videos and ask the file about each, one at a time."""
    classifier = VideoClassifier(graph, provider="cpu", threads=threads, limits=ServingOptions())
    videos = []
    for number in range(count):
        path = write_video(folder / f"{number}.avi", number, frames=FRAMES)
        found = classifier.classify(path)
        text = base64.b64encode(path.read_bytes()).decode()
        body = json.dumps({"inputs": {"video": [text]}, "params": {"top_k": len(LABELS)}}).encode()
        videos.append(Video(body=body, labels=list(found.labels), scores=list(found.scores)))
    scores = np.array([video.scores for video in videos])
    for number, video in enumerate(videos):
        alike = [np.allclose(scores[number], other, atol=1e-4) for other in scores]
        assert sum(alike) == 1, f"video {number} cannot be told from others: {video.scores}"
    return videos


@contextlib.contextmanager
def server(folder: Path, graph: Path, *, threads: int) -> Iterator[tuple[str, psutil.Process]]:
    """Register the file and serve it as the README says; give the address and the process."""
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    mlflow.create_experiment("serving", artifact_location=str(folder / "artifacts"))
    mlflow.set_experiment("serving")
    config = {"provider": "cpu", "threads": threads, **ServingOptions().as_dict()}
    version = register_video(graph, name="vcc-bench-motion-video", model_config=config, tags={})
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    words = ["models", "serve", "-m", version.uri, "--env-manager", "local"]
    words += ["--port", str(port), "--timeout", str(TIMEOUT)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words],
            env={**os.environ, "MLFLOW_TRACKING_URI": uri, "PATH": path},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/ping", process)
            yield f"http://127.0.0.1:{port}/invocations", psutil.Process(process.pid)
        finally:
            os.killpg(process.pid, 15)
            process.wait(60)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=10):
            return
        time.sleep(0.2)
    msg = "the server did not start"
    raise RuntimeError(msg)


class Memory:
    """The resident memory of a process and its children, MiB, sampled while the block runs."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._stop = threading.Event()
        self.peak = self.now()

    def now(self) -> float:
        """Return it as it is."""
        total = 0
        for each in [self._process, *self._process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                total += each.memory_info().rss
        return total / 2**20

    def __enter__(self) -> Memory:
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            self.peak = max(self.peak, self.now())


def ask(url: str, video: Video) -> tuple[float, str]:
    """Send one request; return its seconds and what is wrong with the answer."""
    request = urllib.request.Request(url, video.body, {"Content-Type": "application/json"})
    started = time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as reply:
            answer = json.load(reply)
    except (urllib.error.URLError, OSError, ValueError) as error:
        return time.perf_counter() - started, f"lost: {error}"
    seconds = time.perf_counter() - started
    return seconds, "" if video.is_answered_by(answer) else "another video's answer"


def ask_together(url: str, videos: Sequence[Video], count: int) -> tuple[list[float], list[str]]:
    """Send `count` requests at the same moment, each from a thread of its own."""
    together = threading.Barrier(count)

    def send(number: int) -> tuple[float, str]:
        together.wait()
        return ask(url, videos[number % len(videos)])

    with ThreadPoolExecutor(count) as pool:
        done = list(pool.map(send, range(count)))
    return [seconds for seconds, _ in done], [wrong for _, wrong in done if wrong]


def main() -> None:
    """Serve, ask and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", allow_abbrev=False)
    parser.add_argument("--requests", type=int, default=200, help="at the same moment")
    parser.add_argument("--distinct", type=int, default=20, help="different videos")
    parser.add_argument("--threads", type=int, default=0, help="of the runtime; 0: one per core")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        graph = export_network(root)
        videos = write_videos(root, graph, count=options.distinct, threads=options.threads)
        with server(root, graph, threads=options.threads) as (url, process):
            memory = Memory(process)
            idle = memory.now()
            lone = [ask(url, videos[n % len(videos)]) for n in range(LONE_REQUESTS)]
            after = memory.now()
            started = time.perf_counter()
            with memory:
                seconds, wrong = ask_together(url, videos, options.requests)
            elapsed = time.perf_counter() - started
    wrong += [problem for _, problem in lone if problem]
    # The first one compiles and warms up.
    service = statistics.median(seconds for seconds, _ in lone[1:])
    ordered = sorted(seconds)
    bodies = sum(len(videos[n % len(videos)].body) for n in range(options.requests)) / 2**20
    lines = [
        f"service time, one request at a time   {service * 1000:8.0f} ms",
        f"requests at the same moment           {options.requests:8d}",
        f"lost or mixed up                      {len(wrong):8d}",
        f"requests per second                   {options.requests / elapsed:8.2f}",
        f"  against one at a time               {options.requests / elapsed * service:8.2f} x",
        f"time to answer, p50                   {statistics.median(ordered):8.1f} s",
        f"time to answer, p95                   {ordered[int(0.95 * len(ordered))]:8.1f} s",
        f"time to answer, longest               {ordered[-1]:8.1f} s",
        f"memory, idle                          {idle:8.0f} MiB",
        f"memory, after lone requests           {after:8.0f} MiB",
        f"memory, peak                          {memory.peak:8.0f} MiB",
        f"bodies of all requests                {bodies:8.0f} MiB",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if wrong:
        sys.exit(f"error: {len(wrong)} answers are missing or wrong, the first: {wrong[0]}")
    if memory.peak > after + bodies + ALLOWED_MIB:
        sys.exit("error: memory grew by more than the waiting requests explain")


if __name__ == "__main__":
    main()
