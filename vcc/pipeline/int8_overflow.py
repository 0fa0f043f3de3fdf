"""Which integers a compression makes: for every processor, or for those that add in 32 bits."""

from __future__ import annotations

import dataclasses
import logging

from vcc.compression.loader import load_schedule
from vcc.compression.schedule import Schedule
from vcc.config.overflow import AUTO
from vcc.export.overflow import network_problem
from vcc.pipeline.card import Network

_logger = logging.getLogger(__name__)


def with_overflow(schedule: Schedule, overflow: str | None) -> Schedule:
    """Return the schedule with an `overflow` for each quantizer, so that it is written down.

    A bare `file_config` leaves a quantizer of Distiller's dialect at 8 bits; what `compress` makes
    is right on every processor unless the user says otherwise.

    Args:
        schedule: what the file says.
        overflow: safe, fast or auto, which wins over the schedule's; None leaves that, or else
            gives auto.
    """
    mapping = schedule.as_mapping()
    quantizers = mapping.get("quantizers", {}).values()
    if not quantizers:
        return schedule
    for part in quantizers:
        part["overflow"] = overflow or part.get("overflow") or AUTO
    made = load_schedule(mapping)
    # What does not fit the network is still reported by its line in the file.
    return dataclasses.replace(made, source=schedule.source, lines=schedule.lines)


def warn_of_overflow(network: Network) -> None:
    """Warn of figures that a file of the network would not reach on this processor."""
    problem = network_problem(network.model, name=f"{network.card.arch} {network.card.role}")
    if problem is not None:
        _logger.warning("%s; these figures are of exact sums", problem)
