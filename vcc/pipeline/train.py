"""The train step: a dense network from prepared clips, registered as the baseline."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import lightning
from lightning.pytorch.callbacks import Callback

from vcc.config.data import ClipOptions
from vcc.config.model import ModelOptions
from vcc.config.training import TrainingOptions
from vcc.data.datamodule import ClipDataModule
from vcc.data.normalisation import normalisation_for
from vcc.data.prepared import PreparedDataset
from vcc.errors import ConfigError
from vcc.evaluation.accuracy import VideoAccuracy
from vcc.models import arch_name, build_model
from vcc.models.checkpoint import save_checkpoint
from vcc.models.summary import count_macs, count_parameters
from vcc.pipeline.card import Network, card_of
from vcc.pipeline.tags import card_tags, metric_tags
from vcc.tracking.registry import Version, register_checkpoint, registered_name, set_alias
from vcc.tracking.runs import Run
from vcc.training.best import BestWeights
from vcc.training.module import ClassifierModule
from vcc.training.outputs import AdjustLoss
from vcc.training.progress import EpochReport
from vcc.training.trainer import choose_accelerator, describe_device, fit

_logger = logging.getLogger(__name__)


def train_step(
    dataset: PreparedDataset,
    *,
    model: ModelOptions,
    clip: ClipOptions,
    training: TrainingOptions,
    run: Run,
) -> Network:
    """Train a network from scratch and keep its best weights on the dev videos.

    Raises:
        ModelError: the options name no network.
        TrainingError: the loss left the finite numbers.
    """
    lightning.seed_everything(clip.manual_seed, verbose=False)
    network = build_model(
        model.model,
        n_classes=len(dataset.labels),
        sample_size=clip.sample_size,
        sample_duration=clip.sample_duration,
        **model.build_options(),
    )
    card = card_of(
        dataset,
        arch=arch_name(network.spec),
        clip=clip,
        training=training,
        normalisation=normalisation_for(clip, dataset),
    )
    made = Network(model=network, card=card)
    run.set_tags(
        {
            "arch": card.arch,
            "device": describe_device(choose_accelerator(no_cuda=training.no_cuda)),
        }
    )
    train_epochs(
        made,
        dataset,
        epochs=(0, training.n_epochs),
        callbacks=[BestWeights()],
        run=run,
        span=training.n_epochs,
    )
    run.log_metrics({"params": count_parameters(network), "macs": count_macs(network)})
    return made


def train_epochs(
    network: Network,
    dataset: PreparedDataset,
    *,
    epochs: tuple[int, int],
    callbacks: Sequence[Callback],
    run: Run,
    adjust_loss: AdjustLoss | None = None,
    span: int | None = None,
) -> None:
    """Train a network in place over a stretch of epochs.

    Args:
        network: with the card that says how.
        dataset: prepared videos.
        epochs: absolute numbers of the first epoch and of the one after the last.
        callbacks: what else acts during training.
        run: where the figures of each epoch go.
        adjust_loss: adds terms to the loss.
        span: epochs of the learning-rate schedule; None when a schedule file rules it.
    """
    first, end = epochs
    card = network.card
    data = ClipDataModule(dataset, card.clip, card.protocol, first_epoch=first)
    accuracy = VideoAccuracy(n_videos=len(dataset.videos("dev")), n_classes=len(card.labels))
    module = ClassifierModule(
        network.classifier(),
        card.training,
        dev_accuracy=accuracy,
        adjust_loss=adjust_loss,
        span=span,
    )

    def record(epoch: int, figures: Mapping[str, float]) -> None:
        run.log_metrics(figures, step=epoch)

    # Lightning leaves the mode alone, and a loaded or scored network comes in evaluation mode.
    module.classifier.train()
    report = EpochReport(first_epoch=first, n_epochs=end, record=record)
    fit(module, data, card.training, n_epochs=end - first, callbacks=[*callbacks, report])
    network.model.cpu().eval()


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
            tags={**card_tags(card), **tags, **metric_tags(metrics)},
        )
    set_alias(version, alias)
    return version


def check_class_count(asked: int | None, dataset: PreparedDataset) -> None:
    """Refuse a `n_classes` that is not the data's.

    Raises:
        ConfigError: the two differ.
    """
    if asked is not None and asked != len(dataset.labels):
        msg = (
            f"n_classes: {asked} asked for, but {dataset.name} has {len(dataset.labels)} classes: "
            "leave it out"
        )
        raise ConfigError(msg)
