"""Trains the phases of a schedule, one after the other, and reports every seam between them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import lightning

from vcc.compression.engine.callback import CompressionCallback
from vcc.compression.engine.driver import run_phases
from vcc.compression.engine.epoch_figures import EpochFigures
from vcc.compression.engine.scheduler import CompressionScheduler
from vcc.compression.schedule.phases import Phase, first_settled_epoch
from vcc.compression.schedule.schedule import Schedule
from vcc.data.store.prepared import PreparedDataset
from vcc.models.summary import count_macs, count_parameters
from vcc.pipeline.card import Network
from vcc.pipeline.compress.resume import CompressionCheckpoints
from vcc.pipeline.compress.teacher import TeacherFinder
from vcc.pipeline.train.epochs import train_epochs
from vcc.tracking.runs import Run
from vcc.training.best import BestWeights

_logger = logging.getLogger(__name__)


class PhaseTrainer:
    """Trains a network phase by phase.

    Args:
        network: what is compressed, in place.
        dataset: prepared videos.
        scheduler: that acts on the network.
        schedule: that it runs.
        phases: of the schedule.
        teacher: whose clips are loaded beside the network's.
        checkpoints: what writes them and which one is resumed; None keeps none.
        run: where figures go.
    """

    def __init__(  # noqa: PLR0913 - the parts of a compression, each made elsewhere
        self,
        network: Network,
        dataset: PreparedDataset,
        scheduler: CompressionScheduler,
        *,
        schedule: Schedule,
        phases: Sequence[Phase],
        teacher: TeacherFinder,
        checkpoints: CompressionCheckpoints | None,
        run: Run,
    ) -> None:
        self._network, self._dataset, self._scheduler = network, dataset, scheduler
        self._schedule, self._phases, self._teacher = schedule, list(phases), teacher
        self._checkpoints, self._run = checkpoints, run

    def run(self) -> None:
        """Act at every seam and train every phase, from where a checkpoint left off."""
        resume = self._checkpoints
        run_phases(
            self._scheduler,
            self._phases,
            fit=self._fit,
            begin_at=resume.begin_at if resume else 0,
            resumed=resume is not None and resume.resume is not None,
            after_seam=self._report_seam,
        )
        self._scheduler.apply_masks_to(self._network.model)

    def _fit(self, phase: Phase) -> None:
        first = phase.start
        callback = CompressionCallback(self._scheduler, first_epoch=first)
        figures = EpochFigures(self._scheduler, first_epoch=first, record=self._record)
        callbacks: list[lightning.Callback] = [callback, figures]
        if phase.end == self._phases[-1].end:
            # Earlier phases end where the schedule left them: their best epoch is the least pruned.
            settled = first_settled_epoch(self._schedule, phase)
            callbacks.append(BestWeights(first_epoch=first, first_candidate=settled))
        if self._checkpoints is not None:
            index = self._phases.index(phase)
            callbacks.append(
                self._checkpoints.callback(self._network, phase, index=index, callbacks=callbacks)
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
