"""The CompressionScheduler of a run: calibration clips, teacher and dev measure as callables."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.engine.builder import file_config
from vcc.compression.engine.scheduler import CompressionScheduler
from vcc.compression.schedule.schedule import Schedule
from vcc.data.clips.loaders import train_loader
from vcc.data.store.prepared import PreparedDataset
from vcc.models.network import network_of
from vcc.pipeline.admission.int8 import refuse_unexportable
from vcc.pipeline.card import Network
from vcc.pipeline.compress.ptq_guard import guard_measure
from vcc.pipeline.compress.recipe import Recipe
from vcc.pipeline.compress.teacher import TeacherFinder

_CALIBRATION_BATCHES = 16


def scheduler_of(
    schedule: Schedule,
    network: Network,
    dataset: PreparedDataset,
    recipe: Recipe,
    *,
    teacher: TeacherFinder,
    channels: TracedChannels,
) -> CompressionScheduler:
    """Return what runs a schedule on a network.

    Args:
        schedule: targets included.
        network: what is compressed, with its new card.
        dataset: its training videos calibrate, its dev videos guard.
        recipe: what to do.
        teacher: finds the teacher that a distiller names.
        channels: of `traced_channels`; the scheduler owns them from now on.

    Raises:
        ScheduleError: the schedule does not fit the network.
        ModelError: it quantizes a network whose 8-bit file cannot be written.
    """
    scheduler = file_config(
        network.model,
        None,
        schedule,
        mask_coupled=True,
        example_input=_example(network),
        round_to=recipe.round_to,
        calibration=lambda: calibration_clips(network, dataset),
        teacher=teacher,
        channels=channels,
        measure=guard_measure(
            network,
            dataset,
            no_cuda=recipe.training.no_cuda,
            n_threads=recipe.clip.n_threads,
            seed=recipe.clip.manual_seed,
        ),
    )
    refuse_unexportable(network_of(network.model), scheduler.policies)
    return scheduler


def traced_channels(network: Network) -> TracedChannels:
    """Return a network's channels, traced once for whatever asks before its structure changes."""
    return TracedChannels.of(network.model, _example(network))


def _example(network: Network) -> Tensor:
    return torch.zeros(2, *network.card.clip_shape)


def calibration_clips(network: Network, dataset: PreparedDataset) -> Iterator[Tensor]:
    """Yield normalised training clips, [1,3,T,H,W] each, the same ones every time."""
    classifier = network.classifier()
    for number, batch in enumerate(train_loader(dataset, network.card.clip, epoch=0)):
        if number == _CALIBRATION_BATCHES:
            return
        # A batch of clips in float takes four times the memory of its pixels, several times over.
        for clip in batch.clips.unbind():
            yield (clip.unsqueeze(0).float() - classifier.mean) / classifier.std
