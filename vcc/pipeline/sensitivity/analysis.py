"""Which layers of a network are pruned to which levels, and the accuracy of each on dev videos."""

from __future__ import annotations

import logging

import torch

from vcc.compression.channels.graph import coupled_parameters
from vcc.compression.channels.trace import trace_channels
from vcc.compression.sensitivity.curves import Analysis, analyse, levels_between, prunable_weights
from vcc.config.entrypoints import SensitivityEntry
from vcc.errors import ConfigError
from vcc.models.network import network_of
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.dev_measure import DevMeasure
from vcc.pipeline.sensitivity.progress import show_progress

_logger = logging.getLogger(__name__)


def levels_of(options: SensitivityEntry) -> tuple[float, ...]:
    """Return the sparsity levels that are tried, 0..1.

    Raises:
        ConfigError: there are none.
    """
    levels = levels_between(options.level_start, options.level_stop, options.level_step)
    if not levels:
        msg = (
            f"level_stop: {options.level_stop} leaves no level from {options.level_start} on: "
            "levels stay below it; set it higher"
        )
        raise ConfigError(msg)
    return levels


def analyse_layers(network: Network, measure: DevMeasure, options: SensitivityEntry) -> Analysis:
    """Prune each layer alone to each level, measure it, and leave the network as it was.

    Args:
        network: moved to the CPU.
        measure: the accuracy on dev videos.
        options: levels and what is pruned.

    Raises:
        ConfigError: there are no levels.
    """
    model, levels = network.model.cpu(), levels_of(options)
    # A row of the last layer is a class: removing one cannot but lose it.
    head = f"{network_of(model).head_name}.weight" if options.group == "filter" else ""
    weights = [name for name in prunable_weights(model, options.group) if name != head]
    clip = torch.zeros(2, *network.card.clip_shape)
    coupled = coupled_parameters(model, trace_channels(model, clip))
    _logger.info(
        "%d layers x %d levels on %d dev videos", len(weights), len(levels), measure.n_videos
    )
    analysis = analyse(
        model,
        measure,
        group=options.group,
        levels=levels,
        weights=weights,
        coupled=coupled,
        progress=show_progress,
    )
    # Measuring took it to the GPU where there is one.
    model.cpu()
    return analysis
