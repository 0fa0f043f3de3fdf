"""What a person looks at after a training: its curves, and where it is wrong on the dev videos."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from lightning.pytorch.callbacks import Callback
from numpy.typing import NDArray

from vcc.data.clips.resizing import resize
from vcc.data.store.prepared import PreparedDataset, VideoRecord
from vcc.evaluation.accuracy import VideoScores
from vcc.evaluation.per_class import class_csv, class_rows, confusion_csv, confusion_matrix
from vcc.evaluation.plots.accuracy import confusion_figure, per_class_figure
from vcc.evaluation.plots.style import save_figure
from vcc.evaluation.plots.training import curves_figure, worst_figure, worst_first
from vcc.evaluation.predictions import prediction_rows, predictions_csv
from vcc.models.summary import count_macs, count_parameters, layer_table, table_csv
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.inference import classify_with_network, device_for, score_subset
from vcc.tracking.runs import Run
from vcc.training.best import BestWeights

_FRAMES = 3
_TILE = (72, 96)


def log_result(
    network: Network,
    dataset: PreparedDataset,
    run: Run,
    *,
    history: Mapping[int, Mapping[str, float]],
    callbacks: Sequence[Callback],
) -> None:
    """Log what the trained network is and how it does on the dev videos."""
    run.settle()
    model, card = network.model, network.card
    run.log_metrics({"params": count_parameters(model), "macs": count_macs(model)})
    run.log_text(table_csv(layer_table(model)), "layers.csv")
    if card.training.no_val:
        return
    scores = score_subset(
        classify_with_network(network.classifier(), device_for(no_cuda=card.training.no_cuda)),
        dataset,
        card.protocol,
        subset="dev",
        n_threads=card.clip.n_threads,
        clips_per_video=card.clip.n_val_samples,
    )
    model.cpu()
    best = next((each for each in callbacks if isinstance(each, BestWeights)), None)
    best_epoch = best.best_epoch if best else None
    log_training(run, dataset, history=history, best_epoch=best_epoch, scores=scores)


def log_training(
    run: Run,
    dataset: PreparedDataset,
    *,
    history: Mapping[int, Mapping[str, float]],
    best_epoch: int | None,
    scores: VideoScores,
) -> None:
    """Log a training's pictures and tables under `training/`.

    Args:
        run: takes them.
        dataset: its dev videos are the ones scored.
        history: epoch to its figures; may be empty.
        best_epoch: the epoch whose weights were kept.
        scores: those weights' scores of the dev videos.
    """
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        # Weights that were taken as they are have no history.
        if history:
            (folder / "history.json").write_text(json.dumps(history, indent=1))
            save_figure(curves_figure(history, best_epoch=best_epoch), folder / "curves.png")
        _write_dev(scores, dataset, folder)
        run.log_file(folder, "training")


def _write_dev(scores: VideoScores, dataset: PreparedDataset, folder: Path) -> None:
    records = {str(record.id): record for record in dataset.videos("dev")}
    rows = prediction_rows(scores, videos=list(records), labels=dataset.labels)
    confusion = confusion_matrix(scores)
    classes = class_rows(confusion, dataset.labels)
    title = f"{len(rows)} dev videos of {dataset.name}"
    (folder / "dev_predictions.csv").write_text(predictions_csv(rows))
    (folder / "dev_confusion.csv").write_text(confusion_csv(confusion, dataset.labels))
    (folder / "dev_per_class.csv").write_text(class_csv(classes))
    figure = confusion_figure(confusion, dataset.labels, title=title)
    save_figure(figure, folder / "dev_confusion.png")
    save_figure(per_class_figure(classes, title=title), folder / "dev_per_class.png")
    worst = worst_first(rows)
    strips = [_strip(dataset, records[row.video]) for row in worst]
    wrong = sum(not row.right for row in rows)
    figure = worst_figure(worst, strips, title=f"{title}, lowest score first; {wrong} are wrong")
    save_figure(figure, folder / "dev_worst.png")


def _strip(dataset: PreparedDataset, record: VideoRecord) -> NDArray[np.uint8]:
    indices = np.linspace(0, record.n_frames - 1, _FRAMES).round().astype(np.int64)
    tiles = [resize(frame, *_TILE) for frame in dataset.frame_list(record, indices)]
    return np.concatenate(tiles, axis=1)
