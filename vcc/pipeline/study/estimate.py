"""How long a study will take: a few training steps are timed, cells that are done correct it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from vcc.compression.schedule.loader import load_schedule
from vcc.compression.schedule.phases import last_epoch
from vcc.config.yaml_files.study_matrix import DENSE, Cell, StudyMatrix
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.pace import Calibration, calibrate_network
from vcc.pipeline.study.place import schedule_of

# Exporting twice or four times and timing every runtime: seen to take about so long.
EXPORT_S = 40.0


def calibrate(
    matrix: StudyMatrix, dataset: PreparedDataset, models: Collection[str]
) -> dict[str, Calibration]:
    """Time a few float32 training steps and one classification of models of a matrix."""
    return {
        name: calibrate_network(
            recipe.network,
            recipe.clip,
            n_classes=len(dataset.labels),
            no_cuda=recipe.training.no_cuda,
        )
        for name, recipe in matrix.models.items()
        if name in models
    }


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
    test_clips = _clips_of(dataset, "test", protocol)
    dev_clips = _clips_of(dataset, "dev", protocol, most=recipe.clip.n_val_samples)
    epoch_s = len(dataset.videos("train")) * pace.train_s + dev_clips * pace.classify_s
    files = 1 if cell.method == DENSE else 2
    return _epochs(cell, matrix) * epoch_s + files * (test_clips * pace.classify_s + EXPORT_S / 2)


def _clips_of(
    dataset: PreparedDataset, subset: str, protocol: ClipProtocol, *, most: int = 0
) -> int:
    """Return how many clips a subset's videos are cut into, at most `most` of each (0: all)."""
    counts = [len(protocol.clip_indices(video.n_frames)) for video in dataset.videos(subset)]
    return sum(min(count, most or count) for count in counts)


def corrected(
    estimates: Mapping[Cell, float], measured: Mapping[Cell, float], todo: Sequence[Cell]
) -> float:
    """Return the seconds that the cells in `todo` will take, corrected by those that are done.

    Args:
        estimates: cell -> uncorrected seconds, of those that are done and that are left.
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
