"""How long the choice of a precision may take, and when a variant is far behind."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

Clock = Callable[[], float]

MOST_SECONDS = 60.0
# Two epochs' worth of steps are what a choice may cost.
_EPOCHS = 2
# A format that the machine emulates takes four times as long and more; a first step, which makes
# its kernels ready, may well take twice as long as later ones.
_FAR_BEHIND = 3.0
# Of steps that take less, any other work on the machine makes one many times as long.
_LEAST_FAR_BEHIND_S = 1.0


class TooSlowError(Exception):
    """A step was ended before its end: it took too long, or the time for choosing is over."""


class TimeBudget:
    """Seconds that may be spent on a choice, from now on.

    Args:
        clock: returns seconds; a test gives one of its own.
        seconds: how many at most; infinite for no limit.
    """

    def __init__(self, clock: Clock = time.perf_counter, *, seconds: float = MOST_SECONDS) -> None:
        self._clock = clock
        self._started = clock()
        self.seconds = seconds
        self.far_behind = math.inf
        self.plain_step = 0.0

    def now(self, device: torch.device) -> float:
        """Return the clock's seconds, once all that was asked of the device is done."""
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return self._clock()

    def pace(self, step_seconds: float, *, steps: float) -> None:
        """Take note of how long a plain step takes.

        Args:
            step_seconds: of the first plain float32 step on the clips that are timed.
            steps: those of an epoch, counted in steps of as many clips.
        """
        self.seconds = min(self.seconds, _EPOCHS * steps * step_seconds)
        self.plain_step = step_seconds
        self.far_behind = max(_FAR_BEHIND * step_seconds, _LEAST_FAR_BEHIND_S)

    def left(self) -> float:
        """Return the seconds that are left; negative when there are none."""
        return self.seconds - (self._clock() - self._started)

    def has(self, seconds: float) -> bool:
        """Return whether there is time for something that took so long before.

        A layer, or an optimizer's step, cannot be ended half done: it is not begun.
        """
        return self.left() > max(seconds, 0.0)

    @contextlib.contextmanager
    def watched(self, network: nn.Module, most_seconds: float) -> Iterator[None]:
        """End a step with `TooSlowError` between two layers, forward or backward, once late.

        Args:
            network: what takes the step.
            most_seconds: from now on.
        """
        until = self._clock() + most_seconds

        def check(*_: Any) -> None:
            if self._clock() > until:
                raise TooSlowError

        def watch(_layer: nn.Module, _inputs: Any, output: Any) -> None:
            check()
            if isinstance(output, Tensor) and output.requires_grad:
                # A hook of the tensor, not of the module: an activation may overwrite the output.
                output.register_hook(check)  # type: ignore[no-untyped-call]

        hooks = [layer.register_forward_hook(watch) for layer in network.modules()]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
