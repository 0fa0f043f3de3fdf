"""Lightning's Trainer, set up as this project wants it."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from lightning.pytorch.utilities.exceptions import SIGTERMException

from vcc.config.training import TrainingOptions
from vcc.errors import StoppedError, TrainingError
from vcc.training.data_time import StepTimes
from vcc.training.precision.settings import TrainerPrecision
from vcc.training.processes import cluster_plugins, restore_batchnorms, trainer_settings
from vcc.training.resume_checkpoint import ResumeCheckpoint
from vcc.training.state_file import AtomicCheckpointIO

_logger = logging.getLogger(__name__)

# What PyTorch says of a batch norm whose batch has one value per channel.
_LONE_VALUE = "Expected more than 1 value per channel"


def choose_accelerator(*, no_cuda: bool) -> str:
    """Return "gpu" when there is a usable one and the user did not decline it, else "cpu"."""
    return "gpu" if torch.cuda.is_available() and not no_cuda else "cpu"


def describe_device(accelerator: str) -> str:
    """Return the device's name as it is logged with a run."""
    if accelerator == "gpu":
        return torch.cuda.get_device_name(0)
    return f"CPU, {torch.get_num_threads()} threads"


def fit(
    module: lightning.LightningModule,
    data: lightning.LightningDataModule,
    options: TrainingOptions,
    *,
    n_epochs: int,
    callbacks: Sequence[Callback],
    precision: TrainerPrecision = "32-true",
) -> lightning.Trainer:
    """Train for `n_epochs` epochs and return the Trainer that did.

    Args:
        module: what is trained; its weights change in place.
        data: training and dev clips.
        options: machine, gradient clipping and accumulation.
        n_epochs: epochs to run.
        callbacks: schedule, best weights and the like; a `ResumeCheckpoint` among them may resume
            an interrupted training, whose epochs count among the `n_epochs`.
        precision: Lightning's word for the number format.

    Raises:
        StoppedError: someone ended it by the keyboard or a termination signal.
        TrainingError: the loss left the finite numbers, or a checkpoint could not be written or
            read. Both messages end with where to resume, if there is a `ResumeCheckpoint`.
    """
    _quiet_lightning()
    accelerator = choose_accelerator(no_cuda=options.no_cuda)
    resume_callback = next((each for each in callbacks if isinstance(each, ResumeCheckpoint)), None)
    trainer = lightning.Trainer(
        **trainer_settings(options, accelerator),
        precision=precision,
        max_epochs=n_epochs,
        callbacks=[*callbacks, _progress_bar()],
        logger=False,
        enable_checkpointing=resume_callback is not None,
        enable_model_summary=False,
        accumulate_grad_batches=options.accumulate,
        limit_val_batches=0 if options.no_val else 1.0,
        # Processes share the videos by themselves; Lightning's own sampler would shuffle anew.
        use_distributed_sampler=False,
        gradient_clip_val=options.gradient_clip or None,
        # The loaders are made anew each epoch: their sampler is seeded by the epoch number.
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        plugins=[AtomicCheckpointIO(), *cluster_plugins()],
        profiler=StepTimes(),
    )
    try:
        _run(trainer, module, data, resume_callback.resume_from if resume_callback else None)
    except TrainingError as error:
        if resume_callback is None:
            raise
        msg = f"{error}; {resume_callback.describe()}"
        raise type(error)(msg) from error
    restore_batchnorms(module)
    return trainer


def _run(
    trainer: lightning.Trainer,
    module: lightning.LightningModule,
    data: lightning.LightningDataModule,
    resume_from: Path | None,
) -> None:
    try:
        trainer.fit(module, datamodule=data, ckpt_path=resume_from)
    except SIGTERMException:
        # It is a SystemExit without a code: the process would end as if all had gone well.
        msg = "training was stopped by a termination signal: nothing was registered"
        raise StoppedError(msg) from None
    except SystemExit:
        # What Lightning makes of an interrupt from the keyboard.
        msg = "training was interrupted: nothing was registered"
        raise StoppedError(msg) from None
    except ValueError as error:
        if _LONE_VALUE not in str(error):
            raise
        msg = (
            "a batch of one clip leaves batch normalization one value per channel, which it cannot "
            "train on: use batch_size=2 or more (and more than one training video), or a larger "
            "sample_size or sample_duration"
        )
        raise TrainingError(msg) from error


class _EpochBar(TQDMProgressBar):
    """A progress bar that shows what a person waits for, and nothing else."""

    def get_metrics(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        """Return the figures beside the bar."""
        figures: dict[str, float] = getattr(pl_module, "train_figures", dict)()
        return {name: f"{value:.3f}" for name, value in figures.items() if name == "train_loss"}


def _progress_bar() -> Callback:
    # A terminal wants a live bar; a log file wants a line now and then.
    interactive = os.isatty(2)
    return _EpochBar(refresh_rate=1 if interactive else 0)


def _quiet_lightning() -> None:
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Expected here: clips come from memory-mapped files, and few workers are enough.
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    # The dev figures are those of all processes already.
    warnings.filterwarnings("ignore", message=".*sync_dist=True.*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated.*")
