"""A video in, labels with scores out: what `predict` and the served model share.

Everything it needs is in the exported file: class names, protocol, and how large the frames were
stored that the network was trained from. A video's score is the mean softmax of its clips, as in
evaluation.
"""

from __future__ import annotations

import itertools
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from vcc.config.serving import ServingOptions
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.clips.resizing import Frame
from vcc.data.clips.streamed import Clip, StreamedVideo, reading_within
from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.video_file import VideoFile
from vcc.data.machine import usable_cores
from vcc.export.runtimes.catalog import open_session
from vcc.export.served_facts import served_facts

# Bounds the memory of one run, whatever the video's length.
_CLIPS_PER_RUN = 8
# Where nothing tells how long a frame lasts, frames are counted instead of seconds.
_NO_FPS = 1.0


@dataclass(frozen=True, kw_only=True)
class VideoPrediction:
    """What the network says of one video.

    Attributes:
        labels: C class names, the highest score first.
        scores: C mean softmax values, 0..1, in the same order.
        clips: how many clips they are the mean of.
    """

    labels: tuple[str, ...]
    scores: tuple[float, ...]
    clips: int

    def best(self, count: int) -> list[tuple[str, float]]:
        """Return the `count` best (label, score)."""
        return list(zip(self.labels, self.scores, strict=True))[:count]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """What the network says of each clip of a video, one after the other.

    Attributes:
        labels: C class names, in the order of the logits.
        scores: [N, C] softmax values of N clips, 0..1.
        bounds: N + 1 times in seconds: where each clip begins, and where the last one ends; by the
            mean frame rate.
        fps: frames per second; 0 where nothing tells, and bounds are frames.
        window: frames that a clip spans.
    """

    labels: tuple[str, ...]
    scores: npt.NDArray[np.float32]
    bounds: tuple[float, ...]
    fps: float
    window: int

    def best(self, index: int, count: int) -> list[tuple[str, float]]:
        """Return the `count` best (label, score) of a clip."""
        own = self.scores[index]
        order = np.argsort(-own, kind="stable")[:count]
        return [(self.labels[i], float(own[i])) for i in order]

    def prediction(self) -> VideoPrediction:
        """Return what all clips together come to."""
        return _prediction(self.labels, self.scores.sum(axis=0), len(self.scores))


class VideoClassifier:
    """An exported file with its protocol, loaded once and used by any number of threads.

    Args:
        path: an ONNX file of this project.
        provider: what runs it.
        threads: CPU threads of the runtime; 0 means one per core.
        limits: which videos are refused.

    Raises:
        ExportError: the file is not one of this project, or its provider cannot start.
    """

    def __init__(
        self, path: Path, *, provider: str, threads: int = 0, limits: ServingOptions
    ) -> None:
        facts = served_facts(path)
        self.labels = facts.labels
        self._short_side = facts.short_side
        self._fps = facts.fps
        self.metadata = facts.metadata
        self.protocol = ClipProtocol.from_options(facts.clip)
        self._limits = limits
        self._session = open_session(path, provider=provider, threads=threads)
        self.runtime = self._session.runtime
        # A video takes one thread to decode, and the memory of a few clips. The runtime has every
        # core for itself already, and not every runtime's session may run twice at once.
        self._turn = threading.BoundedSemaphore(max(1, usable_cores()))
        self._running = threading.Lock()

    def classify(self, path: Path, *, n_clips: int = 0) -> VideoPrediction:
        """Classify a video file.

        Args:
            path: the file.
            n_clips: look at this many of its clips, spread evenly; 0 for all, as in evaluation.

        Raises:
            BadVideoError: it is not a video within the limits.
        """
        with self._turn:
            return self._classify(path, n_clips)

    def classify_bytes(self, data: bytes, *, n_clips: int = 0) -> VideoPrediction:
        """Classify the content of a video file."""
        if not data:
            msg = "empty"
            raise BadVideoError(msg)
        with self._turn, tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            try:
                return self._classify(Path(file.name), n_clips)
            except BadVideoError as error:
                # FFmpeg may quote the name of what it reads, which is no business of who asked.
                raise BadVideoError(str(error).replace(file.name, "the video")) from None

    def timeline(self, path: Path) -> Timeline:
        """Classify each clip of a video file.

        Raises:
            BadVideoError: it is not a video within the limits.
        """
        with self._turn:
            video = self._clips_of(path)
            scores = np.concatenate(list(self._scores(video.read())))
        fps, window = video.fps, self.protocol.window
        ends = [min(n * window, video.frames) for n in range(len(scores) + 1)]
        return Timeline(
            labels=self.labels,
            scores=scores,
            bounds=tuple(end / (fps or _NO_FPS) for end in ends),
            fps=fps,
            window=window,
        )

    def frames(self, path: Path) -> Iterator[Frame]:
        """Yield the frames that a video was classified by, whole, uint8 [H, W, 3] in BGR."""
        yield from VideoFile(path, reading_within(self._limits, self._fps)).frames()

    def _classify(self, path: Path, n_clips: int) -> VideoPrediction:
        total = np.zeros(len(self.labels), np.float32)
        count = 0
        for scores in self._scores(self._clips_of(path).read(n_clips)):
            total += scores.sum(axis=0)
            count += len(scores)
        return _prediction(self.labels, total, count)

    def _clips_of(self, path: Path) -> StreamedVideo:
        return StreamedVideo(
            path,
            self.protocol,
            short_side=self._short_side,
            limits=self._limits,
            fps=self._fps,
        )

    def _scores(self, clips: Iterator[Clip]) -> Iterator[npt.NDArray[np.float32]]:
        """Yield softmax values [n, C] of some clips at a time."""
        while batch := list(itertools.islice(clips, _CLIPS_PER_RUN)):
            pixels = np.stack(batch).astype(np.float32)
            with self._running:
                logits = self._session.run(pixels)
            if not np.isfinite(logits).all():
                msg = "the network answers NaN or infinity to it, which is no result"
                raise BadVideoError(msg)
            yield torch.from_numpy(np.asarray(logits)).float().softmax(dim=1).numpy()


def _prediction(
    labels: Sequence[str], total: npt.NDArray[np.float32], count: int
) -> VideoPrediction:
    """Return the mean of the scores of `count` clips, which are given as their sum."""
    scores = total / count
    order = np.argsort(-scores, kind="stable")
    return VideoPrediction(
        labels=tuple(labels[i] for i in order),
        scores=tuple(float(scores[i]) for i in order),
        clips=count,
    )


def shown(predictions: Sequence[tuple[str, float]]) -> str:
    """Return predictions on one line, for people."""
    return ", ".join(f"{label} {score:.1%}" for label, score in predictions)
