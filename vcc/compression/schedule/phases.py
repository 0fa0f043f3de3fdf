"""A schedule cut into phases: stretches of epochs in which the network's structure is fixed.

A seam stands wherever a structural action is scheduled. The driver performs the actions of a phase
before its first epoch; a phase may have no epochs (thin after the last one).
"""

from __future__ import annotations

from dataclasses import dataclass

from vcc.compression.schedule.schedule import PolicySpec, Schedule
from vcc.errors import ScheduleError


@dataclass(frozen=True)
class Phase:
    """Epochs start..end (end excluded, absolute), after these structural actions.

    Args:
        start: first epoch.
        end: one past the last epoch; equal to start for a phase without epochs.
        actions: instance names of what changes the structure before the first epoch.
    """

    start: int
    end: int
    actions: tuple[str, ...] = ()


def structural_epochs(policy: PolicySpec) -> tuple[int, ...]:
    """Return the epochs before which a policy changes the structure."""
    return policy.arguments.structural_epochs(policy.epochs)


def last_epoch(schedule: Schedule) -> int:
    """Return how many epochs the schedule needs: 5 where epoch 4 is the last that it acts in.

    Thinning or post-training quantization at epoch e needs e epochs before it and none after.
    """
    needed = [0]
    for policy in schedule.policies:
        part = schedule.component(policy.subject, policy.instance)
        if policy.arguments.needs_training(part.arguments):
            needed.append(policy.epochs.last + 1)
        else:
            needed.append(structural_epochs(policy)[-1])
    return max(needed)


def compile_phases(schedule: Schedule, n_epochs: int) -> tuple[Phase, ...]:
    """Cut epochs 0..n_epochs into phases.

    Raises:
        ScheduleError: a structural action would come after the last epoch.
    """
    actions: dict[int, list[str]] = {}
    for policy in schedule.policies:
        for epoch in structural_epochs(policy):
            actions.setdefault(epoch, []).append(policy.instance)
    late = [epoch for epoch in actions if epoch > n_epochs]
    if late:
        names = ", ".join(actions[min(late)])
        msg = (
            f"{schedule.source}: {names} acts at epoch {min(late)}, but there are only {n_epochs} "
            f"epochs: set n_epochs to at least {last_epoch(schedule)}"
        )
        raise ScheduleError(msg)
    starts = sorted({0, *actions})
    ends = [*starts[1:], n_epochs]
    return tuple(
        Phase(start, end, tuple(actions.get(start, ())))
        for start, end in zip(starts, ends, strict=True)
    )


def first_settled_epoch(schedule: Schedule, phase: Phase) -> int:
    """Return the first epoch of a phase that is validated as sparse as the schedule will make it.

    Before it an epoch may do better only because it is pruned less. Masks that act in the forward
    pass only, and those that a regularizer keeps, stand in the weights from the epoch after.
    """
    found = (policy.arguments.settled_epoch(policy.epochs) for policy in schedule.policies)
    settled = [phase.start, *(epoch for epoch in found if epoch is not None)]
    return min(max(settled), phase.end - 1)
