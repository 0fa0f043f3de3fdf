"""The recipe of a compression: schedule, optimizer, clips, targets; the rest as it was trained."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcc.compression.quantization.guard import Budget
from vcc.compression.schedule.shipped import default_schedule
from vcc.config.compression import ClipChoice, CompressionOptions, TargetOptions
from vcc.config.data import ClipOptions
from vcc.config.distillation import DistillationOptions
from vcc.config.entrypoints import CompressEntry
from vcc.config.training import TrainingOptions
from vcc.models.network import network_of
from vcc.pipeline.card import Network
from vcc.pipeline.sensitivity.summary import schedule_of_options

# Fine-tuning at the rate that trained the network undoes what it learned.
_LEARNING_RATE_SHARE = 0.25


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Configuration of a compression run.

    Attributes:
        schedule: the schedule file.
        method: its compression type, such as "ep".
        n_epochs: epochs to train; None means as many as the schedule needs.
        training: optimizer and machine; the learning rate is the initial one.
        clip: how training clips are made and batched, of the size that the baseline was trained on.
        clip_override: the compressed network's clips; they win over the schedule's `clips`.
        round_to: thinning keeps a multiple of this many channels.
        parent: registry URI of the network that is compressed.
        distillation: the teacher, and weights that win over the schedule's.
        distils: a schedule without a distiller gets one for all its epochs.
        targets: what the network may cost.
        guard: what post-training quantization may cost on dev; None: see `with_guard`.
        overflow: safe, fast or auto, which wins over the schedule's; None: see `with_overflow`.
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
    clip_override: ClipChoice = ClipChoice()
    targets: TargetOptions = TargetOptions()
    guard: Budget | None = None
    overflow: str | None = None

    def settled(self) -> dict[str, Any]:
        """Return what its options came to that may be left open, by their names."""
        training = self.training
        return {
            "schedule": str(self.schedule),
            "optimizer": training.optimizer,
            "learning_rate": training.learning_rate,
            "batch_size": self.clip.batch_size,
        }


def recipe_for(
    baseline: Network,
    options: CompressionOptions,
    *,
    n_epochs: int | None,
    learning_rate: float | None,
    parent: str | None,
    clip_override: ClipChoice | None = None,
    distillation: DistillationOptions | None = None,
) -> Recipe:
    """Return how to compress a network: as the options say, the rest as it was trained.

    Args:
        baseline: what is compressed.
        options: schedule or compression type.
        n_epochs: epochs to train; None means as many as the schedule needs.
        learning_rate: the initial one; None means a quarter of the baseline's.
        parent: registry URI of the baseline.
        clip_override: clips of the compressed network; unset ones are the schedule's or the
            baseline's.
        distillation: the teacher and the weights; a schedule without a distiller gets one if any
            of them is set.
    """
    family = network_of(baseline.model).spec.family
    taught = distillation or DistillationOptions()
    trained = baseline.card.training
    rate = learning_rate or _LEARNING_RATE_SHARE * trained.learning_rate
    return Recipe(
        schedule=schedule_of_options(baseline, options)
        or default_schedule(family, options.compression_type),
        method="+".join(options.compression_type),
        n_epochs=n_epochs,
        # Masks, quantizers and their distributions are measured in float32.
        training=dataclasses.replace(
            trained,
            learning_rate=rate,
            no_val=False,
            train_precision="fp32",
            compile=False,
            # The baseline may have been trained by several processes; this is one.
            devices=0,
            num_nodes=0,
        ),
        clip=baseline.card.clip,
        round_to=options.round_to,
        parent=parent,
        distillation=taught,
        distils="kd" in options.compression_type or taught.given(),
        clip_override=clip_override or ClipChoice(),
        targets=options.pick(TargetOptions),
        guard=None if options.ptq_budget is None else Budget(loss=options.ptq_budget),
        overflow=options.overflow,
    )


def recipe_from_entry(options: CompressEntry, baseline: Network, *, parent: str | None) -> Recipe:
    """Return the recipe that the options of `compress` spell."""
    recipe = recipe_for(
        baseline,
        options.pick(CompressionOptions),
        n_epochs=options.n_epochs,
        learning_rate=options.learning_rate,
        parent=parent,
        clip_override=options.pick(ClipChoice),
        distillation=options.pick(DistillationOptions),
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
    return dataclasses.replace(recipe, training=training, clip=clip)
