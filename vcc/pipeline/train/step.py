"""The train step: a dense network from prepared clips, registered as the baseline."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import lightning
from lightning.pytorch.callbacks import Callback, EarlyStopping

from vcc.config.data import ClipOptions
from vcc.config.model import ModelOptions
from vcc.config.training import FinetuneOptions, TrainingOptions
from vcc.data.clips.datamodule import ClipDataModule
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.accuracy import VideoAccuracy
from vcc.models import arch_name, build_model
from vcc.models.checkpoint import save_checkpoint
from vcc.models.network import network_of
from vcc.models.summary import count_macs, count_parameters, layer_table, table_csv
from vcc.pipeline.admission.step import admit_step
from vcc.pipeline.card import Network, card_of
from vcc.pipeline.evaluate.inference import classify_with_network, device_for, score_subset
from vcc.pipeline.tags import card_tags, metric_tags, quantizer_tags
from vcc.pipeline.train.artifacts import log_training
from vcc.pipeline.train.precision import training_precision
from vcc.pipeline.train.published import pixel_normalisation, settle_pixels
from vcc.pipeline.train.resume import (
    about_training,
    check_same_training,
    find_resumption,
    resume_checkpoint,
)
from vcc.pipeline.train.starting_weights import start_from
from vcc.tracking.registry import Version, register_checkpoint, registered_name, set_alias
from vcc.tracking.runs import Run
from vcc.training.averaging import AveragedWeights
from vcc.training.best import BestWeights
from vcc.training.finetuning import freeze_statistics
from vcc.training.module import ClassifierModule
from vcc.training.outputs import AdjustLoss, TrainingVideos
from vcc.training.processes import is_first_process, leave_group
from vcc.training.progress import EpochReport
from vcc.training.resuming import CheckpointPlan, ResumeCheckpoint
from vcc.training.trainer import choose_accelerator, describe_device, fit

_logger = logging.getLogger(__name__)


def train_step(
    dataset: PreparedDataset,
    *,
    model: ModelOptions,
    clip: ClipOptions,
    training: TrainingOptions,
    run: Run,
    finetune: FinetuneOptions | None = None,
    checkpoints: CheckpointPlan | None = None,
) -> Network:
    """Train a network and keep its best weights on the dev videos.

    Args:
        dataset: prepared videos.
        model: which network.
        clip: how its clips are made.
        training: how it is optimised.
        run: where its figures go.
        finetune: which weights it starts from and which change; None starts from scratch.
        checkpoints: where it keeps them and which it resumes; None keeps none.

    Raises:
        ModelError: the options name no network, or the given weights do not fit it.
        ConfigError: fine-tuning names classes that the data has not, or no layer; or the training
            to resume is another one.
        TrainingError: the loss left the finite numbers, or a checkpoint could not be written.
    """
    lightning.seed_everything(clip.manual_seed, verbose=False)
    clip = settle_pixels(clip, model.model)
    network = build_model(
        model.model,
        n_classes=len(dataset.labels),
        sample_size=clip.sample_size,
        sample_duration=clip.sample_duration,
        **model.build_options(),
    )
    resumed = checkpoints is not None and checkpoints.resume_from is not None
    if not resumed:
        admit_step(network, run)
    if finetune is not None:
        start_from(network, dataset, finetune, resumed=resumed)
    card = card_of(
        dataset,
        arch=arch_name(network.spec),
        clip=clip,
        training=training,
        normalisation=pixel_normalisation(clip, dataset, model.model),
    )
    made = Network(model=network, card=card)
    run.set_tags(
        {
            "arch": card.arch,
            "device": describe_device(choose_accelerator(no_cuda=training.no_cuda)),
        }
    )
    history: Mapping[int, Mapping[str, float]] = {}
    callbacks: list[Callback] = []
    if finetune is None or not finetune.no_train:
        callbacks = _callbacks(training)
        history = _run_epochs(
            made, dataset, run, callbacks, finetune=finetune, checkpoints=checkpoints
        )
    leave_group()
    network.eval().requires_grad_(True)
    if is_first_process():
        _log_result(made, dataset, run, history=history, callbacks=callbacks)
    return made


def _run_epochs(
    made: Network,
    dataset: PreparedDataset,
    run: Run,
    callbacks: list[Callback],
    *,
    finetune: FinetuneOptions | None,
    checkpoints: CheckpointPlan | None,
) -> Mapping[int, Mapping[str, float]]:
    """Run all epochs, from the start or from a checkpoint, and return each one's figures."""
    training = made.card.training
    if checkpoints is not None:
        about = about_training(
            made.card,
            run_id=run.run_id,
            spec=network_of(made.model).spec.as_dict(),
            ft_portion=finetune.ft_portion if finetune else "complete",
        )
        if checkpoints.resume_from is not None:
            check_same_training(find_resumption(checkpoints.resume_from), about)
        callbacks.append(resume_checkpoint(made, checkpoints, about, callbacks=callbacks))
    return train_epochs(
        made,
        dataset,
        epochs=(0, training.n_epochs),
        callbacks=callbacks,
        run=run,
        span=training.n_epochs,
    )


def _log_result(
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


def _callbacks(training: TrainingOptions) -> list[Callback]:
    callbacks: list[Callback] = []
    if training.ema_decay:
        callbacks.append(AveragedWeights(decay=training.ema_decay))
    # After the average, whose last act is to put itself into the network.
    callbacks.append(BestWeights())
    if training.early_stopping:
        callbacks.append(EarlyStopping("dev_loss", patience=training.early_stopping))
    return callbacks


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
    keeper = next((each for each in callbacks if isinstance(each, ResumeCheckpoint)), None)
    with training_precision(
        module, dataset, card, epoch=first, run=run, keeper=keeper
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


def register_network(
    network: Network, *, alias: str, tags: Mapping[str, str], metrics: Mapping[str, float]
) -> Version:
    """Save a network as a checkpoint, register it and point an alias at it.

    Args:
        network: what to register.
        alias: baseline or challenger.
        tags: what made it.
        metrics: what it measured so far.
    """
    card = network.card
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "checkpoint"
        save_checkpoint(checkpoint, network.model, card.as_metadata())
        version = register_checkpoint(
            checkpoint,
            name=registered_name(card.arch, card.dataset),
            clip_shape=card.clip_shape,
            n_classes=len(card.labels),
            tags={
                **card_tags(card),
                **quantizer_tags(network),
                **tags,
                **metric_tags(metrics),
            },
        )
    set_alias(version, alias)
    return version
