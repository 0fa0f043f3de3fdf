"""How far an analysis is: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from tqdm import tqdm

_logger = logging.getLogger(__name__)

# Wraps names of steps, whose number is given, in a progress bar.
Progress = Callable[[Iterable[str], int], Iterable[str]]


def show_progress(steps: Iterable[str], count: int) -> Iterable[str]:
    """Show a bar on a terminal; elsewhere a line for each tenth of the way."""
    bar = tqdm(steps, total=count, desc="sensitivity", leave=False, disable=None)
    every = max(1, count // 10)
    for number, step in enumerate(bar, 1):
        yield step
        if bar.disable and number % every == 0:
            _logger.info("sensitivity: %d of %d, last %s", number, count, step)
