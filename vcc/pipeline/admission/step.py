"""The admission step of a training: the table goes into the run before the first epoch."""

from __future__ import annotations

import logging

from vcc.config.networks.builders import is_builder
from vcc.models.network import VideoNetwork
from vcc.pipeline.admission.checklist import admission_text
from vcc.tracking.runs import Run
from vcc.training.processes import is_first_process

_logger = logging.getLogger(__name__)


def admit_step(network: VideoNetwork, run: Run) -> None:
    """Take a network that was not written for this project through admission, and log its table.

    A network of a family needs none: its tests are here. Of several processes the first one looks.

    Raises:
        ModelError: it is not admitted.
    """
    if not is_builder(network.spec.family) or not is_first_process():
        return
    table = admission_text(network)
    for line in table.splitlines():
        _logger.info("%s", line)
    run.log_text(table, "admission.txt")
