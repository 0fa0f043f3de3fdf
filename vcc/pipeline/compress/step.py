"""The compress step: train plus a schedule, phase by phase, with channels removed at the seams."""

from __future__ import annotations

import dataclasses

import lightning

from vcc.compression.schedule.phases import compile_phases, last_epoch
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.compress.clip_change import take_clips
from vcc.pipeline.compress.given import carded, schedule_given
from vcc.pipeline.compress.outcome import DenseRecord, log_outcome
from vcc.pipeline.compress.phases import PhaseTrainer
from vcc.pipeline.compress.recipe import Recipe
from vcc.pipeline.compress.resume import (
    compression_checkpoints,
    find_compression,
    schedule_in_force,
)
from vcc.pipeline.compress.scheduler import scheduler_of, traced_channels
from vcc.pipeline.compress.targets import Targets
from vcc.pipeline.compress.teacher import TeacherFinder
from vcc.tracking.runs import Run
from vcc.training.resume_checkpoint import CheckpointPlan


def compress_step(
    baseline: Network,
    dataset: PreparedDataset,
    recipe: Recipe,
    *,
    run: Run,
    checkpoints: CheckpointPlan | None = None,
) -> Network:
    """Compress a network in place by a schedule and return it with its new card.

    The schedule rules the learning rate, from the recipe's initial one.

    Args:
        baseline: the dense network with its card.
        dataset: prepared videos.
        recipe: what to do.
        run: where its figures go.
        checkpoints: where it keeps them and which it resumes; None keeps none.

    Raises:
        ScheduleError: the schedule cannot be read, does not fit the network or meets no target.
        ConfigError: the compression to resume is another one.
        TrainingError: the loss left the finite numbers, or a checkpoint could not be written.
    """
    lightning.seed_everything(recipe.clip.manual_seed, verbose=False)
    compression = _Compression(baseline, dataset, recipe, run, checkpoints)
    compression.take_phases()
    return compression.finish()


class _Compression:
    """A compression under way: its recipe, the network, and the scheduler that acts on it."""

    def __init__(
        self,
        baseline: Network,
        dataset: PreparedDataset,
        recipe: Recipe,
        run: Run,
        checkpoints: CheckpointPlan | None,
    ) -> None:
        self._dataset, self._recipe, self._run = dataset, recipe, run
        given = schedule_given(recipe, dataset)
        # All that is said of the dense network is said of it on its own clips, and so it teaches.
        self._dense = DenseRecord.of(baseline)
        self._teacher = TeacherFinder(baseline, dataset, recipe.distillation)
        clip = dataclasses.replace(recipe.clip, **given.clips)
        self._network = take_clips(carded(baseline, recipe, dataset), clip, dataset)
        self._targets = Targets(
            recipe.targets, self._network, dense=self._dense.figures, round_to=recipe.round_to
        )
        channels = traced_channels(self._network)
        resume = find_compression(checkpoints)
        # A measured latency is never the same twice: a resumed run goes on by what was decided.
        self._schedule = (
            schedule_in_force(resume)
            if resume
            else self._targets.direct(given, run, channels=channels)
        )
        asked = recipe.n_epochs
        self._n_epochs = last_epoch(self._schedule) if asked is None else asked
        self._phases = compile_phases(self._schedule, self._n_epochs)
        self._log_plan()
        self._scheduler = scheduler_of(
            self._schedule,
            self._network,
            dataset,
            recipe,
            teacher=self._teacher,
            channels=channels,
        )
        self._checkpoints = None
        if checkpoints is not None:
            self._checkpoints = compression_checkpoints(
                checkpoints,
                self._network,
                given=given,
                schedule=self._schedule,
                n_epochs=self._n_epochs,
                run_id=run.run_id,
            )
            self._checkpoints.restore(self._scheduler)

    def take_phases(self) -> None:
        """Act at every seam and train every phase, from where a checkpoint left off."""
        PhaseTrainer(
            self._network,
            self._dataset,
            self._scheduler,
            schedule=self._schedule,
            phases=self._phases,
            teacher=self._teacher,
            checkpoints=self._checkpoints,
            run=self._run,
        ).run()

    def finish(self) -> Network:
        """Hold the network to its targets, log what became of it, and return it with its card."""
        self._targets.check(self._network, self._run)
        return log_outcome(
            self._dense,
            self._network,
            self._scheduler,
            self._recipe,
            teacher=self._teacher.name,
            n_epochs=self._n_epochs,
            run=self._run,
        )

    def _log_plan(self) -> None:
        phases = [dataclasses.asdict(phase) for phase in self._phases]
        self._run.log_file(self._recipe.schedule, "schedule")
        self._run.log_text(self._schedule.to_yaml(), "schedule/effective.yaml")
        self._run.log_dict({"phases": phases}, "phases.json")
        self._run.log_resolved({**self._recipe.settled(), "n_epochs": self._n_epochs})
