"""What a schedule makes of a network's structure, without a step of training.

How long a convolution takes does not depend on its weights, so that a compression can be timed
before it is trained.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn
from torch.optim import SGD

from vcc.compression.engine.builder import file_config
from vcc.compression.engine.driver import run_phases
from vcc.compression.schedule.phases import Phase, compile_phases, last_epoch
from vcc.compression.schedule.schedule import Schedule

# What decomposes, prunes, and removes what is pruned.
STRUCTURE = ("decomposers", "pruners", "extensions")


def follow_untrained(model: nn.Module, schedule: Schedule, clips: Tensor) -> None:
    """Take a schedule's steps on a network in place; its epochs pass without a step of training.

    Args:
        model: the network.
        schedule: what to do.
        clips: [N,3,T,H,W]: the network accepts them; what is calibrated, they calibrate.

    Raises:
        ScheduleError: the schedule does not fit the network.
    """
    scheduler = file_config(
        model,
        None,
        schedule,
        mask_coupled=True,
        example_input=torch.zeros_like(clips),
        calibration=lambda: [clips],
        # It is never asked.
        teacher=nn.Identity(),
    )

    def fit(phase: Phase) -> SGD:
        optimizer = SGD(model.parameters(), lr=0.0)
        scheduler.attach(optimizer)
        for epoch in range(phase.start, phase.end):
            scheduler.on_epoch_begin(epoch)
            scheduler.on_epoch_end(epoch, {"min": 0.0, "max": 0.0})
        return optimizer

    run_phases(scheduler, compile_phases(schedule, last_epoch(schedule)), fit=fit)


def structure_of(schedule: Schedule) -> Schedule:
    """Return a schedule without what trains or quantizes."""
    return dataclasses.replace(
        schedule,
        components=tuple(part for part in schedule.components if part.section in STRUCTURE),
        policies=tuple(
            policy for policy in schedule.policies if policy.arguments.section in STRUCTURE
        ),
    )
