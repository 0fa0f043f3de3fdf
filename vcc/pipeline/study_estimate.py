"""How long a study will take: a few training steps are timed, cells that are done correct it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from vcc.compression.loader import load_schedule
from vcc.compression.phases import last_epoch
from vcc.config.study import DENSE, Cell, ModelRecipe, StudyMatrix
from vcc.data.prepared import PreparedDataset
from vcc.data.protocol import ClipProtocol
from vcc.models import build_model
from vcc.models.pixels import PixelClassifier
from vcc.pipeline.inference import device_for
from vcc.pipeline.study_place import schedule_of

_TIMED_STEPS = 3
# Exporting twice or four times and timing every runtime: seen to take about so long.
_EXPORT_S = 40.0


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Seconds per clip of a dense network: of a training step, and of classifying."""

    train_s: float
    classify_s: float


def calibrate(matrix: StudyMatrix, dataset: PreparedDataset) -> dict[str, Calibration]:
    """Time a few float32 training steps and one classification of every model of a matrix."""
    return {name: _calibrate(recipe, len(dataset.labels)) for name, recipe in matrix.models.items()}


def cell_seconds(
    cell: Cell,
    matrix: StudyMatrix,
    dataset: PreparedDataset,
    calibration: Mapping[str, Calibration],
) -> float:
    """Return how long a cell will take, as if every step cost what a dense float32 one does.

    Pruned networks are faster and fake quantization is slower: `corrected` learns by how much.
    """
    recipe = matrix.models[cell.model]
    pace = calibration[cell.model]
    protocol = ClipProtocol.from_options(recipe.clip)
    test_clips = sum(len(protocol.clip_indices(video.n_frames)) for video in dataset.videos("test"))
    dev_clips = len(dataset.videos("dev")) * max(1, recipe.clip.n_val_samples)
    epoch_s = len(dataset.videos("train")) * pace.train_s + dev_clips * pace.classify_s
    files = 1 if cell.method == DENSE else 2
    return _epochs(cell, matrix) * epoch_s + files * (test_clips * pace.classify_s + _EXPORT_S / 2)


def corrected(
    estimates: Mapping[Cell, float], measured: Mapping[Cell, float], todo: Sequence[Cell]
) -> float:
    """Return the seconds that the cells in `todo` will take, corrected by those that are done.

    Args:
        estimates: cell -> uncorrected seconds, of all cells.
        measured: cell -> seconds it took on this machine.
        todo: cells that are left.
    """
    total = 0.0
    for cell in todo:
        same = [done for done in measured if (done.model, done.method) == (cell.model, cell.method)]
        alike = same or list(measured)
        expected = sum(estimates[done] for done in alike)
        factor = sum(measured[done] for done in alike) / expected if expected else 1.0
        total += factor * estimates[cell]
    return total


def _epochs(cell: Cell, matrix: StudyMatrix) -> int:
    recipe = matrix.models[cell.model]
    if cell.method == DENSE:
        return recipe.training.n_epochs
    method = matrix.methods[cell.method]
    if method.n_epochs is not None:
        return method.n_epochs
    return last_epoch(load_schedule(schedule_of(method, recipe.network.model)))


def _calibrate(recipe: ModelRecipe, n_classes: int) -> Calibration:
    network = build_model(
        recipe.network.model,
        n_classes=n_classes,
        sample_size=recipe.clip.sample_size,
        sample_duration=recipe.clip.sample_duration,
        **recipe.network.build_options(),
    )
    device = device_for(no_cuda=recipe.training.no_cuda)
    classifier = PixelClassifier(network, mean=(127.5,) * 3, std=(64.0,) * 3).to(device)
    n_clips = recipe.clip.batch_size
    size, frames = recipe.clip.sample_size, recipe.clip.sample_duration
    clips = torch.randint(0, 256, (n_clips, 3, frames, size, size), dtype=torch.uint8).to(device)
    labels = torch.randint(0, n_classes, (n_clips,)).to(device)
    optimizer = torch.optim.SGD(classifier.parameters(), lr=1e-3, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        loss = functional.cross_entropy(classifier(clips), labels)
        torch.autograd.backward(loss)
        optimizer.step()
        _finish(device)

    step()
    train_s = _best_of(step) / n_clips
    classifier.eval()
    classify_s = _best_of(lambda: _classify(classifier, clips, device)) / n_clips
    return Calibration(train_s=train_s, classify_s=classify_s)


@torch.inference_mode()
def _classify(classifier: PixelClassifier, clips: Tensor, device: torch.device) -> None:
    classifier(clips)
    _finish(device)


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _best_of(action: Callable[[], None]) -> float:
    best = math.inf
    for _ in range(_TIMED_STEPS):
        started = time.perf_counter()
        action()
        best = min(best, time.perf_counter() - started)
    return best
