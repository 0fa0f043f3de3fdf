"""Which epochs a policy is active in: Distiller's arithmetic, 0-based and absolute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ActiveEpochs:
    """The epochs of a policy, in the order in which it was given.

    Args:
        epochs: the active epochs; an epoch listed twice makes the policy fire twice in it.
        start: first epoch of the range (first of the list).
        end: one past the range (past the last of the list).
        frequency: step of the range; None for a list.
    """

    epochs: tuple[int, ...]
    start: int
    end: int
    frequency: int | None = None

    @property
    def first(self) -> int:
        """First epoch in which the policy acts."""
        return min(self.epochs)

    @property
    def last(self) -> int:
        """Last epoch in which the policy acts, whatever the frequency."""
        return max(self.epochs)

    @property
    def span(self) -> int:
        """Distance from the first to the last active epoch; 0 for a single one."""
        return self.last - self.first


def epoch_range(start: int, end: int, frequency: int = 1) -> ActiveEpochs:
    """Return start, start + frequency, ... below end.

    Raises:
        ValueError: not 0 <= start < end, or not 0 < frequency <= end - start.
    """
    if not 0 <= start < end:
        msg = f"needs 0 <= starting_epoch < ending_epoch, not {start} and {end}"
        raise ValueError(msg)
    if not 0 < frequency <= end - start:
        msg = f"frequency {frequency} must be 1 to ending_epoch - starting_epoch = {end - start}"
        raise ValueError(msg)
    return ActiveEpochs(tuple(range(start, end, frequency)), start, end, frequency)


def epoch_list(epochs: Sequence[int]) -> ActiveEpochs:
    """Return exactly these epochs.

    Raises:
        ValueError: there is none, or one is negative.
    """
    if not epochs or min(epochs) < 0:
        msg = f"epochs must be a list of epoch numbers from 0, not {list(epochs)}"
        raise ValueError(msg)
    return ActiveEpochs(tuple(epochs), epochs[0], epochs[-1] + 1)
