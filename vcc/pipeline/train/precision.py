"""Chooses a training's precision on its first batch, says so, and holds it while it trains."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator

import torch

from vcc.data.clips.loaders import train_loader
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError
from vcc.files import write_whole
from vcc.pipeline.card import NetworkCard
from vcc.tracking.runs import Run
from vcc.training.compilation import compile_network
from vcc.training.module import ClassifierModule
from vcc.training.precision.choice import Choice, choose_plan
from vcc.training.precision.settings import TrainerPrecision
from vcc.training.processes import process_grid
from vcc.training.resume_checkpoint import ResumeCheckpoint
from vcc.training.trainer import choose_accelerator

_logger = logging.getLogger(__name__)

CHOICE_FILE = "precision.json"


@contextlib.contextmanager
def training_precision(
    module: ClassifierModule,
    dataset: PreparedDataset,
    card: NetworkCard,
    *,
    epoch: int,
    run: Run,
    resume_callback: ResumeCheckpoint | None,
) -> Iterator[TrainerPrecision]:
    """Give a network the arithmetic that its options ask for, and take it back afterwards.

    Args:
        module: its classifier in training mode, with its loss.
        dataset: prepared videos; a batch of them is what `auto` measures on.
        card: the training options and how clips are made.
        epoch: absolute number of the first epoch: its first batch is the one.
        run: takes the choice as tag `precision` and as `precision.json`.
        resume_callback: the file lies beside its checkpoint too; a training that it resumes
            computes as it did before, whatever is fastest now.

    Raises:
        ConfigError: the precision cannot be had on this machine, or the compiler is missing.
        TrainingError: the resumed training's choice cannot be read.
    """
    accelerator = choose_accelerator(no_cuda=card.training.no_cuda)
    device = torch.device("cuda" if accelerator == "gpu" else "cpu")
    resume_from = resume_callback.resume_from if resume_callback else None
    before = resume_from.with_name(CHOICE_FILE) if resume_from else None
    if before is not None and before.is_file():
        choice = Choice.from_text(before.read_text("utf-8"), where=before)
    else:
        choice = _choose(module, dataset, card, epoch=epoch, device=device)
    run.set_tags({"precision": str(choice.plan)})
    if card.training.train_precision != "fp32":
        for line in choice.lines():
            _logger.info("%s", line)
        run.log_dict(choice.as_dict(), CHOICE_FILE)
        if resume_callback is not None:
            write_whole(resume_callback.path.with_name(CHOICE_FILE), json.dumps(choice.as_dict()))
    with choice.plan.applied(module.classifier):
        if card.training.compile:
            compile_network(module.classifier, device)
        yield choice.plan.variant.trainer_precision


def _choose(
    module: ClassifierModule,
    dataset: PreparedDataset,
    card: NetworkCard,
    *,
    epoch: int,
    device: torch.device,
) -> Choice:
    per_machine, machines = process_grid(card.training)
    if card.training.train_precision == "auto" and per_machine * machines > 1:
        msg = (
            "train_precision: auto measures in one process, and several would choose differently: "
            "take what a run of one process chose (its tag `precision`)"
        )
        raise ConfigError(msg)
    if card.training.train_precision == "fp32":
        return Choice.plain()
    batches = train_loader(dataset, card.clip, epoch=epoch)
    batch = next(iter(batches))
    module.classifier.to(device)
    module.loss.to(device)
    return choose_plan(
        module.classifier,
        batch.clips.to(device),
        batch.labels.to(device),
        loss=module.loss,
        options=card.training,
        epoch_steps=len(batches),
    )
