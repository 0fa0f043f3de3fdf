"""Checkpoints of a compression: which phase they are of, and how it goes on from one.

A checkpoint fits the structure of its phase only, so it says which structure that is. A resumed
compression starts from the same dense network, takes that structure over, and lets Lightning load
weights, optimizer and the scheduler's state.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lightning.pytorch.callbacks import Callback

from vcc.compression.engine.scheduler import CompressionScheduler
from vcc.compression.engine.structure_state import describe_structure, restore_structure
from vcc.compression.schedule.loader import load_schedule
from vcc.compression.schedule.phases import Phase
from vcc.compression.schedule.schedule import Schedule
from vcc.errors import ConfigError
from vcc.models.network import network_of
from vcc.pipeline.card import Network
from vcc.pipeline.train.resume import (
    Resumption,
    about_training,
    check_same_training,
    find_resumption,
    resume_checkpoint,
)
from vcc.training.resume_checkpoint import CheckpointPlan

_KEY = "compression"


def find_compression(plan: CheckpointPlan | None) -> Resumption | None:
    """Return the interrupted compression that a plan resumes, or None.

    Raises:
        TrainingError: its checkpoint is missing, damaged or unsafe.
        ConfigError: it is of something else than a compression.
    """
    if plan is None or plan.resume_from is None:
        return None
    resume = find_resumption(plan.resume_from)
    if _KEY not in resume.about:
        msg = f"resume_path: {resume.path} is of a dense training: resume it by the train step"
        raise ConfigError(msg)
    return resume


def schedule_in_force(resume: Resumption) -> Schedule:
    """Return the schedule that an interrupted compression ran, with what its targets made of it."""
    return load_schedule(resume.about[_KEY]["schedule"])


@dataclass(frozen=True, kw_only=True)
class CompressionCheckpoints:
    """Writes the checkpoints of every phase; `resume` is where this compression began, if anywhere.

    Attributes:
        plan: where and how often.
        about: what has to be the same on resuming.
        schedule: the schedule that is run.
        resume: the interrupted compression.
    """

    plan: CheckpointPlan
    about: Mapping[str, Any]
    schedule: Schedule
    resume: Resumption | None

    @property
    def begin_at(self) -> int:
        """Index of the phase to begin in."""
        return int(self.resume.about[_KEY]["phase"]) if self.resume else 0

    def restore(self, scheduler: CompressionScheduler) -> None:
        """Give the network the structure of the phase that is resumed."""
        if self.resume is not None:
            restore_structure(scheduler, self.resume.about[_KEY]["structure"])

    def callback(
        self, network: Network, phase: Phase, *, index: int, callbacks: Sequence[Callback]
    ) -> Callback:
        """Return what writes the checkpoints of a phase, and resumes it if it is the one.

        Args:
            network: with the structure of the phase.
            phase: about to be trained.
            index: its number.
            callbacks: the others of its Trainer.
        """
        plan = self.plan
        if index != self.begin_at:
            plan = dataclasses.replace(plan, resume_from=None)
        state = {
            "schedule": self.schedule.as_mapping(),
            "phase": index,
            "structure": describe_structure(network.model),
        }
        about = {**self.about, _KEY: {**self.about[_KEY], **state}}
        return resume_checkpoint(network, plan, about, callbacks=callbacks, first_epoch=phase.start)


def compression_checkpoints(
    plan: CheckpointPlan,
    network: Network,
    *,
    given: Schedule,
    schedule: Schedule,
    n_epochs: int,
    run_id: str,
) -> CompressionCheckpoints:
    """Return the checkpoints of a compression about to begin or to go on.

    Args:
        plan: where, how often, and from where.
        network: the dense network with its new card.
        given: the schedule that was asked for.
        schedule: what is run, targets included.
        n_epochs: epochs in all.
        run_id: the MLflow run.

    Raises:
        ConfigError: the compression to resume is another one.
    """
    card = network.card
    about = about_training(
        card,
        run_id=run_id,
        spec=network_of(network.model).spec.as_dict(),
        **{_KEY: {"parent": card.parent, "given": given.as_mapping()}},
    )
    about["training"] = {**about["training"], "n_epochs": n_epochs}
    resume = find_compression(plan)
    if resume is not None:
        check_same_training(resume, about)
    return CompressionCheckpoints(plan=plan, about=about, schedule=schedule, resume=resume)


def parent_of(resume: Resumption) -> str | None:
    """Return the registry URI of the dense network that an interrupted compression began with."""
    parent = resume.about.get(_KEY, {}).get("parent")
    return None if parent is None else str(parent)
