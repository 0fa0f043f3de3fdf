"""The order in which a training loop must call the scheduler; anything else is reported at once.

A callback that is skipped would lose what it does (restoring dense weights, counting epochs), so it
is as much an error as one that comes twice.
"""

from __future__ import annotations

from vcc.errors import ScheduleError

_NEXT = {
    "start": ("on_epoch_begin",),
    "on_epoch_begin": ("on_minibatch_begin", "on_epoch_end"),
    "on_minibatch_begin": ("before_backward_pass",),
    # once per micro-batch where gradients are accumulated
    "before_backward_pass": ("before_parameter_optimization", "before_backward_pass"),
    "before_parameter_optimization": ("on_minibatch_end",),
    "on_minibatch_end": ("on_minibatch_begin", "on_epoch_end"),
    "on_epoch_end": ("on_epoch_begin",),
}


class CallOrder:
    """Follows the callbacks of one run.

    Args:
        last: the callback that came last; "start" before the first.
        epoch: its epoch.
    """

    def __init__(self, last: str = "start", epoch: int = -1) -> None:
        self.last, self.epoch = last, epoch

    def check(self, callback: str, epoch: int) -> None:
        """Note a callback.

        Raises:
            ScheduleError: it does not follow the one before, or is of another epoch.
        """
        if callback not in _NEXT[self.last]:
            expected = " or ".join(_NEXT[self.last])
            after = "at the start" if self.last == "start" else f"after {self.last}({self.epoch})"
            msg = f"{callback}({epoch}) was called {after}, where {expected} is due"
            raise ScheduleError(msg)
        begins = callback == "on_epoch_begin"
        if epoch < 0 or (begins and epoch <= self.epoch) or (not begins and epoch != self.epoch):
            words = "begins after" if begins else "was named within"
            msg = f"{callback}: epoch {epoch} {words} epoch {self.epoch}; epochs are absolute"
            raise ScheduleError(msg)
        self.last, self.epoch = callback, epoch
