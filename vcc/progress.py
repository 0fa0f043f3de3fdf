"""Progress of long steps: a live bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar

from tqdm import tqdm

_logger = logging.getLogger(__name__)
_T = TypeVar("_T")

# A log gets its first line after so long, then after twice as long each time, up to the longest.
_FIRST_GAP_S, _LONGEST_GAP_S = 10.0, 60.0


def spoken(seconds: float) -> str:
    """Return a time as people say it: "8 s", "40 s", "3 minutes", "2.5 hours"."""
    if seconds < 10:
        return f"{max(1.0, seconds):.0f} s"
    if seconds < 90:
        return f"{5 * round(seconds / 5)} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


class Ticker:
    """Writes a line with the time left when a loop has gone on for long enough since the last.

    Args:
        title: what is under way.
        total: how many turns it has; 0 for an unknown number.
        unit: what a turn is, in the plural.
        clock: seconds, from anywhere.
    """

    def __init__(
        self, title: str, total: int, unit: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._title, self._total, self._unit, self._clock = title, total, unit, clock
        self._started = clock()
        self._gap = _FIRST_GAP_S
        self._due = self._started + self._gap

    def at(self, done: int) -> None:
        """Take note that `done` turns are over."""
        now = self._clock()
        if now < self._due or done < 1 or done == self._total:
            return
        self._gap = min(2 * self._gap, _LONGEST_GAP_S)
        self._due = now + self._gap
        what = f"{self._title}: {done}"
        if not self._total:
            _logger.info("%s %s so far", what, self._unit)
            return
        seconds = (now - self._started) / done * (self._total - done)
        _logger.info("%s of %d %s, about %s left", what, self._total, self._unit, spoken(seconds))


def on_terminal() -> bool:
    """Return whether someone watches standard error live."""
    return os.isatty(2)


def follow(
    items: Iterable[_T],
    title: str,
    *,
    total: int | None = None,
    unit: str = "batches",
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[_T]:
    """Yield items, with a bar on a terminal and a line now and then elsewhere.

    Args:
        items: what is gone through.
        title: what is under way.
        total: how many they are; None asks them, where they know.
        unit: what an item is, in the plural.
        clock: seconds, from anywhere.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    if on_terminal():
        yield from tqdm(items, desc=title, total=total, unit=f" {unit}", leave=False)
        return
    ticker = Ticker(title, total or 0, unit, clock=clock)
    for done, item in enumerate(items, 1):
        yield item
        ticker.at(done)
