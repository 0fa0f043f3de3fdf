"""How fast this machine is with a network: a few steps of training and classifying are timed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vcc.config.data import ClipOptions
from vcc.config.model import ModelOptions
from vcc.models import build_model
from vcc.models.pixels import PixelClassifier
from vcc.pipeline.evaluate.inference import device_for

_TIMED_STEPS = 3


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Seconds per clip of a dense network: of a training step, and of classifying."""

    train_s: float
    classify_s: float


def calibrate_network(
    network: ModelOptions,
    clip: ClipOptions,
    *,
    n_classes: int,
    no_cuda: bool,
    clock: Callable[[], float] = time.perf_counter,
) -> Calibration:
    """Time a few float32 training steps and classifications of a network with random weights.

    Args:
        network: which network.
        clip: size and number of the clips of a step.
        n_classes: of its head.
        no_cuda: stay on the CPU even where there is a GPU.
        clock: seconds, from anywhere.
    """
    model = build_model(
        network.model,
        n_classes=n_classes,
        sample_size=clip.sample_size,
        sample_duration=clip.sample_duration,
        **network.build_options(),
    )
    return calibrate_model(model, clip, n_classes=n_classes, no_cuda=no_cuda, clock=clock)


def calibrate_model(
    model: nn.Module,
    clip: ClipOptions,
    *,
    n_classes: int,
    no_cuda: bool,
    clock: Callable[[], float] = time.perf_counter,
) -> Calibration:
    """Time a few steps of a network that is there, which trains it on noise: give a copy.

    See `calibrate_network`.
    """
    device = device_for(no_cuda=no_cuda)
    classifier = PixelClassifier(model, mean=(127.5,) * 3, std=(64.0,) * 3).to(device)
    n_clips, size = clip.batch_size, clip.sample_size
    shape = (n_clips, 3, clip.sample_duration, size, size)
    clips = torch.randint(0, 256, shape, dtype=torch.uint8).to(device)
    labels = torch.randint(0, n_classes, (n_clips,)).to(device)
    optimizer = torch.optim.SGD(classifier.parameters(), lr=1e-3, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        loss = functional.cross_entropy(classifier(clips), labels)
        torch.autograd.backward(loss)
        optimizer.step()
        _finish(device)

    step()
    train_s = _median_of(step, clock) / n_clips
    classifier.eval()
    classify_s = _median_of(lambda: _classify(classifier, clips, device), clock) / n_clips
    return Calibration(train_s=train_s, classify_s=classify_s)


@torch.inference_mode()
def _classify(classifier: PixelClassifier, clips: Tensor, device: torch.device) -> None:
    classifier(clips)
    _finish(device)


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _median_of(action: Callable[[], None], clock: Callable[[], float]) -> float:
    # The best of them would promise a machine with other work on it what it cannot keep.
    times = []
    for _ in range(_TIMED_STEPS):
        started = clock()
        action()
        times.append(clock() - started)
    return statistics.median(times)
