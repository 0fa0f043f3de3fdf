"""Which epochs a policy is active in."""

from __future__ import annotations

import pytest

from vcc.compression.schedule.epochs import epoch_list, epoch_range


def test_a_range_excludes_its_end_and_steps_by_its_frequency() -> None:
    active = epoch_range(2, 9, 3)
    assert active.epochs == (2, 5, 8)
    assert (active.first, active.last, active.span) == (2, 8, 6)
    assert epoch_range(0, 1).span == 0


def test_a_list_keeps_its_order_and_its_repetitions() -> None:
    active = epoch_list([5, 1, 5])
    assert active.epochs == (5, 1, 5)
    assert (active.first, active.last, active.start, active.end) == (1, 5, 5, 6)
    assert active.frequency is None


@pytest.mark.parametrize(
    ("start", "end", "frequency", "message"),
    [(-1, 2, 1, "0 <= starting"), (2, 2, 1, "< ending"), (0, 2, 3, "1 to"), (0, 2, 0, "1 to")],
)
def test_a_range_without_an_epoch_is_refused(
    start: int, end: int, frequency: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        epoch_range(start, end, frequency)


@pytest.mark.parametrize("epochs", [[], [3, -1]])
def test_a_list_without_an_epoch_is_refused(epochs: list[int]) -> None:
    with pytest.raises(ValueError, match="epoch numbers from 0"):
        epoch_list(epochs)
