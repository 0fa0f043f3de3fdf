"""The recipe of a dense training, which every command that trains follows."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Self

from vcc.config.data import ClipOptions
from vcc.config.entrypoints import TrainEntry
from vcc.config.model import ModelOptions
from vcc.config.training import FinetuneOptions, ResumeOptions, TrainingOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.train.resume import plan_checkpoints
from vcc.pipeline.train.step import train_step
from vcc.tracking.runs import Run
from vcc.tracking.silent import SilentRun
from vcc.training.resume_checkpoint import CheckpointPlan


@dataclass(frozen=True, kw_only=True)
class TrainRecipe:
    """How a dense network is trained.

    Attributes:
        network: which network.
        clip: how its clips are made.
        training: how it is optimised.
        finetune: which weights it starts from and which change; None starts from scratch.
    """

    network: ModelOptions
    clip: ClipOptions
    training: TrainingOptions
    finetune: FinetuneOptions | None = None

    @classmethod
    def from_entry(cls, options: TrainEntry) -> Self:
        """Return the recipe that the options of `train` spell."""
        return cls(
            network=options.pick(ModelOptions),
            clip=options.pick(ClipOptions),
            training=options.pick(TrainingOptions),
            finetune=options.pick(FinetuneOptions),
        )

    def train(
        self, dataset: PreparedDataset, *, run: Run, checkpoints: CheckpointPlan | None = None
    ) -> Network:
        """Train a network on prepared videos; see `train_step` for what can go wrong.

        Args:
            dataset: prepared videos.
            run: where its figures go.
            checkpoints: where it keeps them and which it resumes; None keeps none.
        """
        return train_step(
            dataset,
            model=self.network,
            clip=self.clip,
            training=self.training,
            run=run,
            finetune=self.finetune,
            checkpoints=checkpoints,
        )


def train_from_entry(options: TrainEntry, dataset: PreparedDataset, *, run: Run) -> Network:
    """Train as `train` was told, with the checkpoints of the run, and return the network."""
    plan = plan_checkpoints(options.pick(ResumeOptions), results=options.results, run_id=run.run_id)
    return TrainRecipe.from_entry(options).train(dataset, run=run, checkpoints=plan)


def train_silently(options: TrainEntry, dataset: PreparedDataset) -> None:
    """Train as `train` was told, in a process whose figures and words another one gives."""
    logging.getLogger("vcc").setLevel(logging.WARNING)
    train_from_entry(options, dataset, run=SilentRun())
