"""Scores a network or an exported file on prepared videos: the one place that pairs the two."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from vcc.data.loaders import video_loader
from vcc.data.prepared import PreparedDataset
from vcc.data.protocol import ClipProtocol
from vcc.evaluation.accuracy import VideoScores, score_videos
from vcc.export.runtimes import Session
from vcc.progress import follow
from vcc.training.trainer import choose_accelerator

Classify = Callable[[Tensor], Tensor]


def device_for(*, no_cuda: bool) -> torch.device:
    """Return the GPU when there is a usable one and the user did not decline it."""
    return torch.device("cuda" if choose_accelerator(no_cuda=no_cuda) == "gpu" else "cpu")


def classify_with_network(classifier: nn.Module, device: torch.device) -> Classify:
    """Return pixels -> logits by PyTorch, in evaluation mode, without gradients."""
    classifier.to(device).eval()

    @torch.inference_mode()
    def classify(pixels: Tensor) -> Tensor:
        logits: Tensor = classifier(pixels.to(device))
        return logits

    return classify


def classify_with_session(session: Session) -> Classify:
    """Return pixels -> logits by an exported file."""

    def classify(pixels: Tensor) -> Tensor:
        return torch.from_numpy(session.run(pixels.float().numpy()))

    return classify


def score_subset(
    classify: Classify,
    dataset: PreparedDataset,
    protocol: ClipProtocol,
    *,
    subset: str,
    n_threads: int,
    softmax: bool = True,
    clips_per_video: int = 0,
) -> VideoScores:
    """Score every video of a subset by the protocol.

    Args:
        classify: pixels, uint8 [N,3,T,H,W], to logits [N,C].
        dataset: prepared videos.
        protocol: which clips of a video count.
        subset: "dev" or "test".
        n_threads: loader workers.
        softmax: how clips are averaged, see `VideoAccuracy`.
        clips_per_video: take only this many of each video's clips, spread evenly; 0 for all.
    """
    loader = video_loader(
        dataset, subset, protocol, n_threads=n_threads, clips_per_video=clips_per_video
    )
    return score_videos(
        classify,
        follow(loader, f"{subset} videos"),
        n_videos=len(dataset.videos(subset)),
        n_classes=len(dataset.labels),
        softmax=softmax,
    )
