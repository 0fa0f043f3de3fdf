"""The compress step: train plus a schedule, phase by phase, with channels removed at the seams."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Mapping

import lightning
import torch
from torch import Tensor

from vcc.compression.engine.builder import file_config
from vcc.compression.engine.callback import CompressionCallback
from vcc.compression.engine.driver import run_phases
from vcc.compression.engine.epoch_figures import EpochFigures, sparsity_figures
from vcc.compression.engine.scheduler import CompressionScheduler
from vcc.compression.masks.sparsity import sparsity_table
from vcc.compression.schedule.edits import (
    with_clips,
    with_distiller,
    with_guard,
    with_overflow,
)
from vcc.compression.schedule.loader import load_schedule
from vcc.compression.schedule.phases import Phase, compile_phases, first_settled_epoch, last_epoch
from vcc.compression.schedule.schedule import Schedule
from vcc.data.clips.loaders import train_loader
from vcc.data.store.contents import training_contents
from vcc.data.store.prepared import PreparedDataset
from vcc.models.summary import count_macs, count_parameters, layer_table
from vcc.pipeline.card import Network
from vcc.pipeline.compress.clip_change import settle_clips, take_clips
from vcc.pipeline.compress.ptq_guard import guard_measure, log_guards
from vcc.pipeline.compress.recipe import Recipe
from vcc.pipeline.compress.report import LAYERS_FILE, layers_csv
from vcc.pipeline.compress.resume import (
    compression_checkpoints,
    find_compression,
    schedule_in_force,
)
from vcc.pipeline.compress.targets import Targets, dense_figures
from vcc.pipeline.compress.teacher import TeacherFinder
from vcc.pipeline.full.layer_pictures import log_layer_pictures
from vcc.pipeline.lineage import stages_of, traced
from vcc.pipeline.tags import lineage_tags
from vcc.pipeline.train.step import train_epochs
from vcc.tracking.runs import Run
from vcc.training.best import BestWeights
from vcc.training.resuming import CheckpointPlan

_logger = logging.getLogger(__name__)

_CALIBRATION_BATCHES = 16


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
    """A compression under way: what it was told, the network, and the scheduler that acts on it."""

    def __init__(
        self,
        baseline: Network,
        dataset: PreparedDataset,
        recipe: Recipe,
        run: Run,
        checkpoints: CheckpointPlan | None,
    ) -> None:
        self._dataset, self._recipe, self._run = dataset, recipe, run
        given = self._schedule_given()
        # All that is said of the dense network is said of it on its own clips, and so it teaches.
        self._dense = dense_figures(baseline.model)
        self._dense_layers = layer_table(baseline.model)
        self._dense_weights = sparsity_table(baseline.model)
        self._teacher = TeacherFinder(baseline, dataset, recipe.distillation)
        self._dense_clip = baseline.card.protocol
        clip = dataclasses.replace(recipe.clip, **given.clips)
        self._network = take_clips(_carded(baseline, recipe, dataset), clip, dataset)
        self._targets = Targets(
            recipe.targets, self._network, dense=self._dense, round_to=recipe.round_to
        )
        resume = find_compression(checkpoints)
        self._resumed = resume is not None
        # A measured latency is never the same twice: a resumed run goes on by what was decided.
        self._schedule = schedule_in_force(resume) if resume else self._targets.direct(given, run)
        asked = recipe.n_epochs
        self._n_epochs = last_epoch(self._schedule) if asked is None else asked
        self._phases = compile_phases(self._schedule, self._n_epochs)
        self._log_plan()
        self._scheduler = self._made_scheduler()
        self._keeper = None
        if checkpoints is not None:
            self._keeper = compression_checkpoints(
                checkpoints,
                self._network,
                given=given,
                schedule=self._schedule,
                n_epochs=self._n_epochs,
                run_id=run.run_id,
            )
            self._keeper.restore(self._scheduler)

    def take_phases(self) -> None:
        """Act at every seam and train every phase, from where a checkpoint left off."""
        run_phases(
            self._scheduler,
            self._phases,
            fit=self._fit,
            begin_at=self._keeper.begin_at if self._keeper else 0,
            resumed=self._resumed,
            after_seam=self._report_seam,
        )
        self._scheduler.apply_masks_to(self._network.model)

    def finish(self) -> Network:
        """Hold the network to its targets, log what became of it, and return it with its card."""
        model, run = self._network.model, self._run
        self._targets.check(self._network, run)
        run.log_metrics(sparsity_figures(model), step=self._n_epochs)
        run.log_metrics({"macs_ratio": self._dense["macs"] / count_macs(model)})
        run.log_text(layers_csv(self._dense_layers, model), LAYERS_FILE)
        log_guards(self._scheduler, run)
        log_layer_pictures(self._dense_weights, model, run)
        card = traced(
            self._network.card,
            stages=stages_of(
                model,
                clip=self._new_clip(),
                weights_before=sum(row.numel for row in self._dense_weights),
                distilled=self._teacher.name is not None,
            ),
            schedule=self._recipe.schedule,
            teacher=self._teacher.name,
        )
        run.set_tags({"arch": card.arch, "method": self._recipe.method, **lineage_tags(card)})
        return Network(model=model, card=card)

    def _new_clip(self) -> str | None:
        """Return the network's clip where it is not the dense network's."""
        protocol = self._network.card.protocol
        return None if protocol == self._dense_clip else protocol.text

    def _schedule_given(self) -> Schedule:
        recipe = self._recipe
        schedule = with_clips(load_schedule(recipe.schedule), recipe.clips.chosen())
        schedule = settle_clips(schedule, recipe.clip)
        if recipe.distils:
            weights = recipe.distillation.weights()
            schedule = with_distiller(schedule, weights, n_epochs=recipe.n_epochs)
        schedule = with_overflow(schedule, recipe.overflow)
        has_dev = bool(self._dataset.videos("dev"))
        return with_guard(schedule, recipe.guard, has_dev=has_dev)

    def _log_plan(self) -> None:
        phases = [dataclasses.asdict(phase) for phase in self._phases]
        self._run.log_file(self._recipe.schedule, "schedule")
        self._run.log_text(self._schedule.to_yaml(), "schedule/effective.yaml")
        self._run.log_dict({"phases": phases}, "phases.json")

    def _made_scheduler(self) -> CompressionScheduler:
        network, recipe = self._network, self._recipe
        return file_config(
            network.model,
            None,
            self._schedule,
            mask_coupled=True,
            example_input=torch.zeros(2, *network.card.clip_shape),
            round_to=recipe.round_to,
            calibration=lambda: _calibration_clips(network, self._dataset),
            teacher=self._teacher,
            measure=guard_measure(
                network,
                self._dataset,
                no_cuda=recipe.training.no_cuda,
                n_threads=recipe.clip.n_threads,
                seed=recipe.clip.manual_seed,
            ),
        )

    def _fit(self, phase: Phase) -> None:
        first = phase.start
        callback = CompressionCallback(self._scheduler, first_epoch=first)
        figures = EpochFigures(self._scheduler, first_epoch=first, record=self._record)
        callbacks: list[lightning.Callback] = [callback, figures]
        if phase.end == self._n_epochs:
            # Earlier phases end where the schedule left them: their best epoch is the least pruned.
            settled = first_settled_epoch(self._schedule, phase)
            callbacks.append(BestWeights(first_epoch=first, first_candidate=settled))
        if self._keeper is not None:
            index = self._phases.index(phase)
            callbacks.append(
                self._keeper.callback(self._network, phase, index=index, callbacks=callbacks)
            )
        train_epochs(
            self._network,
            self._dataset,
            epochs=(first, phase.end),
            callbacks=callbacks,
            run=self._run,
            adjust_loss=callback.adjust_loss,
            teacher_clip=self._teacher.clip_beside(self._network.card.clip),
        )

    def _record(self, epoch: int, figures: Mapping[str, float]) -> None:
        self._run.log_metrics(figures, step=epoch)

    def _report_seam(self, phase: Phase) -> None:
        if not phase.actions:
            return
        model = self._network.model
        params, macs = count_parameters(model), count_macs(model)
        what = ", ".join(phase.actions)
        _logger.info("%s: %s parameters, %.1f M MACs left", what, f"{params:,}", macs / 1e6)
        self._run.log_metrics({"params": params, "macs": macs}, step=phase.start)


def _carded(baseline: Network, recipe: Recipe, dataset: PreparedDataset) -> Network:
    card = baseline.card.compressed(
        method=recipe.method, parent=recipe.parent, training=recipe.training
    )
    if card.train_videos is not None:
        # The data may be others than the baseline's: both have been seen.
        seen = training_contents(dataset, also=card.train_videos)
        card = dataclasses.replace(card, train_videos=seen)
    return Network(model=baseline.model, card=card)


def _calibration_clips(network: Network, dataset: PreparedDataset) -> Iterator[Tensor]:
    classifier = network.classifier()
    for number, batch in enumerate(train_loader(dataset, network.card.clip, epoch=0)):
        if number == _CALIBRATION_BATCHES:
            return
        # A batch of clips in float takes four times the memory of its pixels, several times over.
        for clip in batch.clips.unbind():
            yield (clip.unsqueeze(0).float() - classifier.mean) / classifier.std
