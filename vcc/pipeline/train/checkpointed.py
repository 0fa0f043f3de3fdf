"""A whole training: its own callbacks, and the checkpoints that it keeps and may go on from."""

from __future__ import annotations

from collections.abc import Mapping

from lightning.pytorch.callbacks import Callback, EarlyStopping

from vcc.config.training import FinetuneOptions, TrainingOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.models.network import network_of
from vcc.pipeline.card import Network
from vcc.pipeline.train.epochs import train_epochs
from vcc.pipeline.train.resume import (
    about_training,
    check_same_training,
    find_resumption,
    resume_checkpoint,
)
from vcc.tracking.runs import Run
from vcc.training.averaging import AveragedWeights
from vcc.training.best import BestWeights
from vcc.training.resume_checkpoint import CheckpointPlan


def training_callbacks(training: TrainingOptions) -> list[Callback]:
    """Return what acts in a training: averaged weights, the best weights, early stopping."""
    callbacks: list[Callback] = []
    if training.ema_decay:
        callbacks.append(AveragedWeights(decay=training.ema_decay))
    # After the average, whose last act is to put itself into the network.
    callbacks.append(BestWeights())
    if training.early_stopping:
        callbacks.append(EarlyStopping("dev_loss", patience=training.early_stopping))
    return callbacks


def run_epochs(
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
