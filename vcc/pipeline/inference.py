"""Scores a network or an exported file on prepared videos: the one place that pairs the two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vcc.data.loaders import video_loader
from vcc.data.prepared import PreparedDataset
from vcc.data.protocol import ClipProtocol
from vcc.errors import DataError, ModelError
from vcc.evaluation.accuracy import NonFiniteError, VideoScores, score_videos
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
        if not bool(logits.isfinite().all()):
            layer = first_non_finite(classifier, pixels.to(device))
            msg = f"the network answers NaN or infinity, first in its layer {layer}: no result"
            raise ModelError(msg)
        return logits

    return classify


def first_non_finite(network: nn.Module, pixels: Tensor) -> str:
    """Return the layer whose output is the first with NaN or infinity, for pixels [N,3,T,H,W]."""
    found: list[str] = []

    def looking(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def look(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and not bool(output.isfinite().all()):
                found.append(name)

        return look

    leaves = [item for item in network.named_modules() if not any(item[1].children())]
    handles = [module.register_forward_hook(looking(name)) for name, module in leaves]
    try:
        with torch.inference_mode():
            network(pixels)
    finally:
        for handle in handles:
            handle.remove()
    return repr(found[0]) if found else "that is no module (an addition or a function)"


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
    try:
        return score_videos(
            classify,
            follow(loader, f"{subset} videos"),
            n_videos=len(dataset.videos(subset)),
            n_classes=len(dataset.labels),
            softmax=softmax,
        )
    except NonFiniteError as error:
        name = dataset.videos(subset)[error.video].id
        msg = f"{subset} video {name!r}: the network answers NaN or infinity, which is no result"
        raise DataError(msg) from None
