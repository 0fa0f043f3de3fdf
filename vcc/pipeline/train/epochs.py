"""A stretch of epochs under Lightning's Trainer: a whole training, or a phase of a compression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lightning.pytorch.callbacks import Callback

from vcc.config.data import ClipOptions
from vcc.data.clips.datamodule import ClipDataModule
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.accuracy import VideoAccuracy
from vcc.pipeline.card import Network
from vcc.pipeline.train.precision import training_precision
from vcc.tracking.runs import Run
from vcc.training.finetuning import freeze_statistics
from vcc.training.module import AdjustLoss, ClassifierModule, TrainingVideos
from vcc.training.progress import EpochReport
from vcc.training.resume_checkpoint import ResumeCheckpoint
from vcc.training.trainer import fit


def train_epochs(  # noqa: PLR0913 - one keyword per thing that a compression changes
    network: Network,
    dataset: PreparedDataset,
    *,
    epochs: tuple[int, int],
    callbacks: Sequence[Callback],
    run: Run,
    adjust_loss: AdjustLoss | None = None,
    span: int | None = None,
    teacher_clip: ClipOptions | None = None,
) -> dict[int, dict[str, float]]:
    """Train a network in place over a stretch of epochs.

    Args:
        network: with the card that says how.
        dataset: prepared videos.
        epochs: absolute numbers of the first epoch and of the one after the last.
        callbacks: what else acts during training; a `ResumeCheckpoint` may resume it.
        run: where the figures of each epoch go.
        adjust_loss: adds terms to the loss.
        span: epochs of the learning-rate schedule; None when a schedule file rules it.
        teacher_clip: how a teacher's clips of the same moments are made, where it has other ones.

    Returns:
        absolute epoch to its figures, by their logged names.
    """
    first, end = epochs
    card = network.card
    data = ClipDataModule(
        dataset, card.clip, card.protocol, first_epoch=first, teacher=teacher_clip
    )
    accuracy = VideoAccuracy(n_videos=len(dataset.videos("dev")), n_classes=len(card.labels))
    module = ClassifierModule(
        network.classifier(),
        card.training,
        videos=_training_videos(dataset, card.clip),
        dev_accuracy=accuracy,
        adjust_loss=adjust_loss,
        span=span,
    )

    def record(epoch: int, figures: Mapping[str, float]) -> None:
        run.log_metrics(figures, step=epoch)

    # Lightning leaves the mode alone, and a loaded or scored network comes in evaluation mode.
    module.classifier.train()
    freeze_statistics(module.classifier)
    report = EpochReport(first_epoch=first, n_epochs=end, record=record)
    resume_callback = next((each for each in callbacks if isinstance(each, ResumeCheckpoint)), None)
    with training_precision(
        module, dataset, card, epoch=first, run=run, resume_callback=resume_callback
    ) as precision:
        fit(
            module,
            data,
            card.training,
            n_epochs=end - first,
            callbacks=[*callbacks, report],
            precision=precision,
        )
    network.model.cpu().eval()
    return report.history


def _training_videos(dataset: PreparedDataset, clip: ClipOptions) -> TrainingVideos:
    records = dataset.videos("train")
    return TrainingVideos(
        names=tuple(str(record.id) for record in records),
        labels=tuple(record.label for record in records),
        n_classes=len(dataset.labels),
        seed=clip.manual_seed,
    )
