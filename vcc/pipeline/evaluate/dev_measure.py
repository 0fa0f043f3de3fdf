"""Accuracy on a seeded draw of dev videos, as the callable that compression measures by."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
from torch import nn

from vcc.compression.sensitivity.measured import EvalResult
from vcc.data.clips.loaders import video_loader
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.accuracy import score_videos
from vcc.models.modes import evaluating
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.inference import classify_with_network, device_for

# clips are read once and kept where they take at most this many bytes
_KEPT_BYTES = 2 << 30
_BATCH = 32


def draw_videos(
    dataset: PreparedDataset, subset: str, *, n_videos: int, seed: int
) -> PreparedDataset:
    """Return a data set whose subset is a draw without replacement, in the manifest's order.

    Args:
        dataset: what to draw from.
        subset: train, dev or test; the others are empty.
        n_videos: at most this many.
        seed: of the draw.
    """
    videos = dataset.videos(subset)
    rng = np.random.default_rng(seed)
    drawn = sorted(rng.permutation(len(videos))[:n_videos].tolist())
    chosen = tuple(videos[i] for i in drawn)
    return PreparedDataset(dataset.root, dataclasses.replace(dataset.manifest, videos=chosen))


class DevMeasure:
    """Scores a network on the same dev videos at every call.

    Clip and video accuracy are averaged as in every evaluation; of each video `n_val_samples` clips
    are looked at, as in the validation of a training.

    Args:
        network: the network, or what it is when it is measured: its layers may change in between.
        dataset: its dev videos are drawn from.
        n_videos: at most this many.
        seed: of the draw.
        no_cuda: stay on the CPU.
        n_threads: loader workers.

    Raises:
        DataError: the data set has no dev videos.
    """

    def __init__(
        self,
        network: Network,
        dataset: PreparedDataset,
        *,
        n_videos: int,
        seed: int,
        no_cuda: bool,
        n_threads: int,
    ) -> None:
        sample = draw_videos(dataset, "dev", n_videos=n_videos, seed=seed)
        card = network.card
        self.n_videos = len(sample.videos("dev"))
        self._network, self._n_classes = network, len(dataset.labels)
        self._device = device_for(no_cuda=no_cuda)
        self._batches: Iterable[Any] = video_loader(
            sample,
            "dev",
            card.protocol,
            n_threads=n_threads,
            clips_per_batch=_BATCH,
            clips_per_video=card.clip.n_val_samples,
        )
        if len(self._batches) * _BATCH * int(np.prod(card.clip_shape)) <= _KEPT_BYTES:
            self._batches = list(self._batches)

    def of(self, network: Network) -> DevMeasure:
        """Return what measures another network, fed with the same clips, on the same videos."""
        made = copy.copy(self)
        made._network = network
        return made

    def __call__(self, model: nn.Module) -> EvalResult:
        """Return what the network measures now, which is the one this object was made for."""
        with evaluating(model):
            classify = classify_with_network(self._network.classifier(), self._device)
            scores = score_videos(
                classify, self._batches, n_videos=self.n_videos, n_classes=self._n_classes
            )
        return EvalResult(scores.video_topk(1), scores.video_topk(5), scores.loss)
