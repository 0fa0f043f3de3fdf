"""The compress step: train plus a schedule, phase by phase, with channels removed at the seams."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import lightning
import torch
from torch import Tensor

from vcc.compression.builder import file_config
from vcc.compression.callback import CompressionCallback
from vcc.compression.driver import run_phases
from vcc.compression.epoch_figures import EpochFigures, sparsity_figures
from vcc.compression.loader import load_schedule
from vcc.compression.phases import Phase, compile_phases, first_settled_epoch, last_epoch
from vcc.compression.shipped import default_schedule
from vcc.compression.sparsity import sparsity_table
from vcc.config.compression import CompressionOptions, TargetOptions
from vcc.config.data import ClipOptions
from vcc.config.distillation import DistillationOptions
from vcc.config.entrypoints import CompressEntry
from vcc.config.training import TrainingOptions
from vcc.data.loaders import train_loader
from vcc.data.prepared import PreparedDataset
from vcc.models.network import network_of
from vcc.models.summary import count_macs, count_parameters, layer_table
from vcc.pipeline.card import Network, NetworkCard
from vcc.pipeline.compress_report import LAYERS_FILE, layers_csv
from vcc.pipeline.compress_resume import (
    compression_checkpoints,
    find_compression,
    schedule_in_force,
)
from vcc.pipeline.layer_pictures import log_layer_pictures
from vcc.pipeline.lineage import stages_of, traced
from vcc.pipeline.ptq_guard import guard_measure, log_guards, with_guard
from vcc.pipeline.summary import schedule_of_options
from vcc.pipeline.tags import lineage_tags
from vcc.pipeline.targets import Targets
from vcc.pipeline.teacher import TeacherFinder, with_distiller
from vcc.pipeline.train import train_epochs
from vcc.tracking.runs import Run
from vcc.training.best import BestWeights
from vcc.training.resuming import CheckpointPlan

_logger = logging.getLogger(__name__)

# Fine-tuning at the rate that trained the network undoes what it learned.
_LEARNING_RATE_SHARE = 0.25
_CALIBRATION_BATCHES = 16


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a compression runs.

    Attributes:
        schedule: the schedule file.
        method: its compression type, such as "ep".
        n_epochs: epochs to train; None means as many as the schedule needs.
        training: optimizer and machine; the learning rate is the initial one.
        clip: how training clips are made and batched.
        round_to: thinning keeps a multiple of this many channels.
        parent: registry URI of the network that is compressed.
        distillation: the teacher, and weights that win over the schedule's.
        distils: a schedule without a distiller gets one for all its epochs.
        targets: what the network may cost.
        ptq_budget: nats of dev loss that post-training quantization may cost; None: see
            `with_guard`.
    """

    schedule: Path
    method: str
    n_epochs: int | None
    training: TrainingOptions
    clip: ClipOptions
    round_to: int
    parent: str | None
    distillation: DistillationOptions = DistillationOptions()
    distils: bool = False
    targets: TargetOptions = TargetOptions()
    ptq_budget: float | None = None


def recipe_for(
    baseline: Network,
    options: CompressionOptions,
    *,
    n_epochs: int | None,
    learning_rate: float | None,
    parent: str | None,
) -> Recipe:
    """Return how to compress a network: as the options say, the rest as it was trained.

    Args:
        baseline: what is compressed.
        options: schedule or compression type.
        n_epochs: epochs to train; None means as many as the schedule needs.
        learning_rate: the initial one; None means a quarter of the baseline's.
        parent: registry URI of the baseline.
    """
    family = network_of(baseline.model).spec.family
    trained = baseline.card.training
    rate = learning_rate or _LEARNING_RATE_SHARE * trained.learning_rate
    return Recipe(
        schedule=schedule_of_options(baseline, options)
        or default_schedule(family, options.compression_type),
        method="+".join(options.compression_type),
        n_epochs=n_epochs,
        # Masks, quantizers and their distributions are measured in float32.
        training=dataclasses.replace(
            trained, learning_rate=rate, no_val=False, train_precision="fp32", compile=False
        ),
        clip=baseline.card.clip,
        round_to=options.round_to,
        parent=parent,
        distils="kd" in options.compression_type,
        targets=options.pick(TargetOptions),
        ptq_budget=options.ptq_budget,
    )


def recipe_from_entry(options: CompressEntry, baseline: Network, *, parent: str | None) -> Recipe:
    """Return what the compress entry point was told."""
    recipe = recipe_for(
        baseline,
        options.pick(CompressionOptions),
        n_epochs=options.n_epochs,
        learning_rate=options.learning_rate,
        parent=parent,
    )
    training = dataclasses.replace(
        recipe.training,
        optimizer=options.optimizer or recipe.training.optimizer,
        no_cuda=options.no_cuda,
        # The baseline's machine is not this one.
        devices=0,
        num_nodes=0,
    )
    clip = dataclasses.replace(
        recipe.clip,
        batch_size=options.batch_size or recipe.clip.batch_size,
        n_threads=options.n_threads,
        manual_seed=options.manual_seed,
    )
    distillation = options.pick(DistillationOptions)
    return dataclasses.replace(
        recipe,
        training=training,
        clip=clip,
        distillation=distillation,
        distils=recipe.distils or distillation.given(),
    )


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
    schedule = load_schedule(recipe.schedule)
    if recipe.distils:
        schedule = with_distiller(schedule, recipe.distillation, n_epochs=recipe.n_epochs)
    targets = Targets(recipe.targets, baseline, round_to=recipe.round_to)
    given, resume = with_guard(schedule, recipe.ptq_budget, dataset), find_compression(checkpoints)
    # A measured latency is never the same twice: a resumed run goes on by what was decided then.
    schedule = schedule_in_force(resume) if resume else targets.direct(given, run)
    n_epochs = last_epoch(schedule) if recipe.n_epochs is None else recipe.n_epochs
    phases = compile_phases(schedule, n_epochs)
    run.log_file(recipe.schedule, "schedule")
    run.log_text(schedule.to_yaml(), "schedule/effective.yaml")
    run.log_dict({"phases": [dataclasses.asdict(phase) for phase in phases]}, "phases.json")
    dense_layers, dense_weights = layer_table(baseline.model), sparsity_table(baseline.model)
    teacher = TeacherFinder(baseline, dataset, recipe.distillation)
    network = Network(model=baseline.model, card=_card_of(baseline.card, recipe))
    scheduler = file_config(
        network.model,
        None,
        schedule,
        mask_coupled=True,
        example_input=torch.zeros(2, *network.card.clip_shape),
        round_to=recipe.round_to,
        calibration=lambda: _calibration_clips(network, dataset),
        teacher=teacher,
        measure=guard_measure(
            network,
            dataset,
            no_cuda=recipe.training.no_cuda,
            n_threads=recipe.clip.n_threads,
            seed=recipe.clip.manual_seed,
        ),
    )

    keeper = None
    if checkpoints is not None:
        keeper = compression_checkpoints(
            checkpoints,
            network,
            given=given,
            schedule=schedule,
            n_epochs=n_epochs,
            run_id=run.run_id,
        )
        keeper.restore(scheduler)

    def record(epoch: int, figures: Mapping[str, float]) -> None:
        run.log_metrics(figures, step=epoch)

    def fit(phase: Phase) -> None:
        callback = CompressionCallback(scheduler, first_epoch=phase.start)
        figures = EpochFigures(scheduler, first_epoch=phase.start, record=record)
        callbacks: list[lightning.Callback] = [callback, figures]
        if phase.end == n_epochs:
            # Earlier phases end where the schedule left them: their best epoch is the least pruned.
            settled = first_settled_epoch(schedule, phase)
            callbacks.append(BestWeights(first_epoch=phase.start, first_candidate=settled))
        if keeper is not None:
            index = phases.index(phase)
            callbacks.append(keeper.callback(network, phase, index=index, callbacks=callbacks))
        train_epochs(
            network,
            dataset,
            epochs=(phase.start, phase.end),
            callbacks=callbacks,
            run=run,
            adjust_loss=callback.adjust_loss,
        )

    def report(phase: Phase) -> None:
        if phase.actions:
            _report_size(network, phase, run)

    run_phases(
        scheduler,
        phases,
        fit=fit,
        begin_at=keeper.begin_at if keeper else 0,
        resumed=resume is not None,
        after_seam=report,
    )
    scheduler.apply_masks_to(network.model)
    targets.check(network, run)
    record(n_epochs, sparsity_figures(network.model))
    run.log_text(layers_csv(dense_layers, network.model), LAYERS_FILE)
    log_guards(scheduler, run)
    log_layer_pictures(dense_weights, network.model, run)
    card = traced(
        network.card,
        stages=stages_of(
            network.model,
            weights_before=sum(row.numel for row in dense_weights),
            distilled=teacher.name is not None,
        ),
        schedule=recipe.schedule,
        teacher=teacher.name,
    )
    run.set_tags({"arch": card.arch, "method": recipe.method, **lineage_tags(card)})
    return Network(model=network.model, card=card)


def _card_of(card: NetworkCard, recipe: Recipe) -> NetworkCard:
    made = card.compressed(method=recipe.method, parent=recipe.parent, training=recipe.training)
    return dataclasses.replace(made, clip=recipe.clip)


def _calibration_clips(network: Network, dataset: PreparedDataset) -> Iterator[Tensor]:
    classifier = network.classifier()
    for number, batch in enumerate(train_loader(dataset, network.card.clip, epoch=0)):
        if number == _CALIBRATION_BATCHES:
            return
        # A batch of clips in float takes four times the memory of its pixels, several times over.
        for clip in batch.clips.unbind():
            yield (clip.unsqueeze(0).float() - classifier.mean) / classifier.std


def _report_size(network: Network, phase: Phase, run: Run) -> None:
    params, macs = count_parameters(network.model), count_macs(network.model)
    _logger.info(
        "%s: %s parameters, %.1f M MACs left", ", ".join(phase.actions), f"{params:,}", macs / 1e6
    )
    run.log_metrics({"params": params, "macs": macs}, step=phase.start)
