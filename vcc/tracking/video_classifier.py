"""A video in, labels with scores out: what `predict` and the served model share.

Everything it needs is in the exported file: class names, protocol, and how large the frames were
stored that the network was trained from. A video's score is the mean softmax of its clips, as in
evaluation.
"""

from __future__ import annotations

import itertools
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vcc.config.serving import ServingOptions
from vcc.data.decoding.errors import BadVideoError
from vcc.data.machine import usable_cores
from vcc.data.protocol import ClipProtocol
from vcc.data.streamed import clips_of_file
from vcc.export.runtimes import open_session
from vcc.export.served_facts import served_facts

# Bounds the memory of one run, whatever the video's length.
_CLIPS_PER_RUN = 8


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
            return self._classify(Path(file.name), n_clips)

    def _classify(self, path: Path, n_clips: int) -> VideoPrediction:
        clips = clips_of_file(
            path,
            self.protocol,
            short_side=self._short_side,
            limits=self._limits,
            n_clips=n_clips,
            fps=self._fps,
        )
        total = np.zeros(len(self.labels), np.float32)
        count = 0
        while batch := list(itertools.islice(clips, _CLIPS_PER_RUN)):
            pixels = np.stack(batch).astype(np.float32)
            with self._running:
                logits = self._session.run(pixels)
            if not np.isfinite(logits).all():
                msg = "the network answers NaN or infinity to it, which is no result"
                raise BadVideoError(msg)
            total += torch.from_numpy(np.asarray(logits)).float().softmax(dim=1).sum(dim=0).numpy()
            count += len(batch)
        scores = total / count
        order = np.argsort(-scores, kind="stable")
        return VideoPrediction(
            labels=tuple(self.labels[i] for i in order),
            scores=tuple(float(scores[i]) for i in order),
            clips=count,
        )


def shown(predictions: Sequence[tuple[str, float]]) -> str:
    """Return predictions on one line, for people."""
    return ", ".join(f"{label} {score:.1%}" for label, score in predictions)
