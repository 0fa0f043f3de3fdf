"""The train step: a dense network from prepared clips."""

from __future__ import annotations

from collections.abc import Mapping

import lightning
from lightning.pytorch.callbacks import Callback

from vcc.config.data import ClipOptions
from vcc.config.model import ModelOptions
from vcc.config.training import FinetuneOptions, TrainingOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.models import arch_name, build_model
from vcc.pipeline.admission.step import admit_step
from vcc.pipeline.card import Network, card_of
from vcc.pipeline.train.artifacts import log_result
from vcc.pipeline.train.checkpointed import run_epochs, training_callbacks
from vcc.pipeline.train.published import pixel_normalisation, settle_pixels
from vcc.pipeline.train.starting_weights import seen_before, start_from
from vcc.tracking.runs import Run
from vcc.training.processes import is_first_process, leave_group
from vcc.training.resume_checkpoint import CheckpointPlan
from vcc.training.trainer import choose_accelerator, describe_device


def train_step(
    dataset: PreparedDataset,
    *,
    model: ModelOptions,
    clip: ClipOptions,
    training: TrainingOptions,
    run: Run,
    finetune: FinetuneOptions | None = None,
    checkpoints: CheckpointPlan | None = None,
) -> Network:
    """Train a network and keep its best weights on the dev videos.

    Args:
        dataset: prepared videos.
        model: which network.
        clip: how its clips are made.
        training: how it is optimised.
        run: where its figures go.
        finetune: which weights it starts from and which change; None starts from scratch.
        checkpoints: where it keeps them and which it resumes; None keeps none.

    Raises:
        ModelError: the options name no network, or the given weights do not fit it.
        ConfigError: fine-tuning names classes that the data has not, or no layer; or the training
            to resume is another one.
        TrainingError: the loss left the finite numbers, or a checkpoint could not be written.
    """
    lightning.seed_everything(clip.manual_seed, verbose=False)
    clip = settle_pixels(clip, model.model)
    network = build_model(
        model.model,
        n_classes=len(dataset.labels),
        sample_size=clip.sample_size,
        sample_duration=clip.sample_duration,
        **model.build_options(),
    )
    resumed = checkpoints is not None and checkpoints.resume_from is not None
    if not resumed:
        admit_step(network, run)
    if finetune is not None:
        start_from(network, dataset, finetune, resumed=resumed)
    card = card_of(
        dataset,
        arch=arch_name(network.spec),
        clip=clip,
        training=training,
        normalisation=pixel_normalisation(clip, dataset, model.model),
        seen_before=seen_before(finetune),
    )
    made = Network(model=network, card=card)
    run.set_tags(
        {
            "arch": card.arch,
            "device": describe_device(choose_accelerator(no_cuda=training.no_cuda)),
        }
    )
    history: Mapping[int, Mapping[str, float]] = {}
    callbacks: list[Callback] = []
    if finetune is None or not finetune.no_train:
        callbacks = training_callbacks(training)
        history = run_epochs(
            made, dataset, run, callbacks, finetune=finetune, checkpoints=checkpoints
        )
    leave_group()
    network.eval().requires_grad_(True)
    if is_first_process():
        log_result(made, dataset, run, history=history, callbacks=callbacks)
    return made
