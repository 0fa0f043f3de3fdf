"""The run of one step, a child of the pipeline's."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator

from vcc.config.options import Options
from vcc.tracking.runs import Run, open_run

_logger = logging.getLogger(__name__)


@contextlib.contextmanager
def child_run(name: str, options: Options) -> Iterator[Run]:
    """Open the run of a step, and log its seconds when it went well.

    Args:
        name: of the run; its first word is the step.
        options: of the step.
    """
    started = time.monotonic()
    _logger.info("--- %s", name)
    with open_run(name, step=name.split()[0], options=options) as run:
        yield run
        run.log_metrics({"seconds": time.monotonic() - started})
    _logger.info("--- %s took %.1f s", name, time.monotonic() - started)
