"""A warning of integers that this processor adds in 16 bits."""

from __future__ import annotations

import logging

from vcc.export.overflow import network_problem
from vcc.pipeline.card import Network

_logger = logging.getLogger(__name__)


def warn_of_overflow(network: Network) -> None:
    """Warn of figures that a file of the network would not reach on this processor."""
    problem = network_problem(network.model, name=f"{network.card.arch} {network.card.role}")
    if problem is not None:
        _logger.warning("%s; these figures are of exact sums", problem)
