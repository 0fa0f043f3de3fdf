"""Runs a schedule's phases around somebody's `fit`: structure at the seams, epochs between."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from torch.optim import Optimizer

from vcc.compression.engine.scheduler import CompressionScheduler
from vcc.compression.schedule.phases import Phase

log = logging.getLogger(__name__)

# trains the epochs of a phase; returns the optimizer it used, whose learning rates go on
Fit = Callable[[Phase], "Optimizer | None"]


def run_phases(
    scheduler: CompressionScheduler,
    phases: Sequence[Phase],
    *,
    fit: Fit,
    begin_at: int = 0,
    resumed: bool = False,
    after_seam: Callable[[Phase], None] | None = None,
) -> None:
    """Perform each phase's structural actions, then train its epochs.

    `fit` builds a new optimizer for the network as it is now, and calls `scheduler.attach` with it
    (`CompressionCallback` does) before the first step. It is not called for a phase without epochs.

    Args:
        scheduler: what `file_config` returned, on the network that `fit` trains.
        phases: from `compile_phases`.
        fit: trains epochs phase.start..phase.end.
        begin_at: index of the phase to begin in.
        resumed: the network already has the structure of that phase (it was rebuilt for a
            checkpoint within it), so that phase's actions are not performed again.
        after_seam: called once a phase's structure stands, to record it or to move the network.
    """
    for i, phase in enumerate(phases):
        if i < begin_at:
            continue
        if phase.actions and not (resumed and i == begin_at):
            # Counted as the lines of epochs count, from 1.
            log.info("before epoch %d: %s", phase.start + 1, ", ".join(phase.actions))
            scheduler.begin_seam(phase.start)
        if after_seam is not None:
            after_seam(phase)
        if phase.end > phase.start:
            optimizer = fit(phase)
            if optimizer is not None:
                scheduler.attach(optimizer)
