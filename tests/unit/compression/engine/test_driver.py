"""Phases are run in order: the structure changes at their seams, epochs are trained between."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from vcc.compression.engine.driver import run_phases
from vcc.compression.schedule.phases import Phase

PHASES = [Phase(0, 2), Phase(2, 2, ("thin",)), Phase(2, 3, ("quantize",))]


class Watched:
    """Takes a scheduler's place and notes what it was asked for."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def begin_seam(self, epoch: int) -> None:
        self.events.append(("seam", epoch))

    def attach(self, optimizer: torch.optim.Optimizer) -> None:
        self.events.append(("attach", optimizer))


@pytest.mark.parametrize(
    ("begin_at", "resumed", "expected"),
    [
        (0, False, ["stands 0", "0-2", "seam 2", "stands 2", "seam 2", "stands 2", "2-3"]),
        (1, False, ["seam 2", "stands 2", "seam 2", "stands 2", "2-3"]),
        # A checkpoint within the last phase has its structure already.
        (2, True, ["stands 2", "2-3"]),
        (3, True, []),
    ],
)
def test_seams_come_before_the_epochs_of_their_phase(
    begin_at: int, resumed: bool, expected: list[str]
) -> None:
    scheduler: Any = Watched()

    def fit(phase: Phase) -> None:
        scheduler.events.append(f"{phase.start}-{phase.end}")

    run_phases(
        scheduler,
        PHASES,
        fit=fit,
        begin_at=begin_at,
        resumed=resumed,
        after_seam=lambda phase: scheduler.events.append(f"stands {phase.start}"),
    )
    texts = [f"seam {e[1]}" if isinstance(e, tuple) else e for e in scheduler.events]
    assert texts == expected


def test_the_optimizer_that_trained_a_phase_goes_on() -> None:
    scheduler: Any = Watched()
    optimizers = []

    def fit(phase: Phase) -> torch.optim.Optimizer:
        optimizers.append(torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1))
        return optimizers[-1]

    run_phases(scheduler, PHASES, fit=fit)
    attached = [event[1] for event in scheduler.events if event[0] == "attach"]
    assert len(attached) == len(optimizers) == 2
    assert all(a is b for a, b in zip(attached, optimizers, strict=True))
